"""Training pairs out of nothing but a seed: textured layers that move, with their exact flow."""

from flowfeat.rendering.folder import PairSettings, RenderedFolder, render_folder
from flowfeat.rendering.renderer import Rendered, Renderer
from flowfeat.rendering.settings import LARGE, MEDIUM, SETTINGS, SMALL, VIDEO, SceneSettings, Setting

__all__ = [
    "LARGE",
    "MEDIUM",
    "SETTINGS",
    "SMALL",
    "VIDEO",
    "PairSettings",
    "Rendered",
    "RenderedFolder",
    "Renderer",
    "SceneSettings",
    "Setting",
    "render_folder",
]
