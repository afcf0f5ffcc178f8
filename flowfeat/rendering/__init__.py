"""Training pairs out of nothing but a seed: textured layers that move, with their exact flow."""

from flowfeat.rendering.renderer import Rendered, Renderer
from flowfeat.rendering.settings import LARGE, SMALL, SceneSettings

__all__ = ["LARGE", "SMALL", "Rendered", "Renderer", "SceneSettings"]
