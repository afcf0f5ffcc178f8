"""Flow files: Middlebury `.flo`, KITTI `.png`, FlyingThings3D `.pfm` and numpy `.npy`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from flowfeat.errors import FormatError
from flowfeat.formats.field import FlowField
from flowfeat.formats.flo import read_flo, write_flo
from flowfeat.formats.kitti import read_kitti, write_kitti
from flowfeat.formats.npy import read_npy, write_npy
from flowfeat.formats.pfm import read_pfm, write_pfm

__all__ = [
    "FLOW_ENDINGS",
    "FlowField",
    "check_flow_ending",
    "read_flo",
    "read_flow",
    "read_kitti",
    "read_pfm",
    "write_flo",
    "write_flow",
    "write_kitti",
    "write_pfm",
]

_FORMATS: dict[str, tuple[Callable[..., FlowField], Callable[..., None]]] = {
    ".flo": (read_flo, write_flo),
    ".png": (read_kitti, write_kitti),
    ".pfm": (read_pfm, write_pfm),
    ".npy": (read_npy, write_npy),
}

FLOW_ENDINGS = tuple(_FORMATS)
"""The file endings `read_flow` and `write_flow` know."""


def read_flow(path: str | Path) -> FlowField:
    """Read a flow file in the format that its ending names.

    Args:
        path: a file ending in one of `FLOW_ENDINGS`, in capitals or not.

    Returns:
        Flow in pixels, (u, v), u to the right, v downwards; `valid` is None where every pixel is known.

    Raises:
        FormatError: the ending is unknown, or the file does not follow its format.
        OSError: the file is missing or cannot be read.
    """
    reader, _ = _format_of(Path(path))
    return reader(path)


def write_flow(
    path: str | Path, flow: Float[np.ndarray, "2 h w"], valid: Bool[np.ndarray, "h w"] | None = None
) -> None:
    """Write a flow file in the format that its ending names, whole or not at all.

    Args:
        path: a file ending in one of `FLOW_ENDINGS`, in capitals or not; missing folders are made.
        flow: pixels, (u, v), u to the right, v downwards; float16, float32 or float64.
        valid: False where the flow is unknown, whatever `flow` holds there; None where all of it is known.

    Raises:
        FormatError: the ending is unknown, or the format cannot hold this flow.
        OSError: the file cannot be written.
    """
    _, writer = _format_of(Path(path))
    writer(path, flow, valid)


def check_flow_ending(path: str | Path) -> None:
    """Raises FormatError where `write_flow` could not write under this name."""
    _format_of(Path(path))


def _format_of(path: Path) -> tuple[Callable[..., FlowField], Callable[..., None]]:
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        raise FormatError(f"{path}: no flow format has the ending {ending!r}; use one of {', '.join(FLOW_ENDINGS)}")
    return _FORMATS[ending]
