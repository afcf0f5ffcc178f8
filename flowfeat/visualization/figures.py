"""Plots by matplotlib, drawn without a screen."""

import io
from typing import Any

import numpy as np
from PIL import Image


def figure_of(width: float, height: float) -> Any:
    """An empty figure of matplotlib, of this size in inches."""
    # Agg draws without a screen; pyplot would look for one, and would keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Any) -> bytes:
    """The figure as a PNG of 256 colours."""
    figure.canvas.draw()
    # A few blues and greys: 256 colours lose nothing that can be seen, in a third of the bytes.
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3]).quantize(256, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def plain_text(text: str) -> str:
    """Text that matplotlib shows as it is: between dollar signs it would read formulas."""
    return text.replace("$", r"\$")
