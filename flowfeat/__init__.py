"""flowfeat: optical flow for action recognition and motion segmentation.

One meaning of flow everywhere: `flow[..., 0, :, :]` is x to the right, `flow[..., 1, :, :]` is y downwards,
in pixels of the frame it is stored with, from frame t to frame t + step.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowfeat.errors import ClipError, FormatError, InputError, StoreError
    from flowfeat.estimators import FlowEstimator, Pair, load_estimator
    from flowfeat.extraction import extract
    from flowfeat.formats import FlowField, read_flow, write_flow
    from flowfeat.store import FlowStore
    from flowfeat.video import read_clip

__version__ = "0.1.0"

_HOMES = {
    "ClipError": "flowfeat.errors",
    "FlowEstimator": "flowfeat.estimators",
    "FlowField": "flowfeat.formats",
    "FlowStore": "flowfeat.store",
    "FormatError": "flowfeat.errors",
    "InputError": "flowfeat.errors",
    "Pair": "flowfeat.estimators",
    "StoreError": "flowfeat.errors",
    "extract": "flowfeat.extraction",
    "load_estimator": "flowfeat.estimators",
    "read_clip": "flowfeat.video",
    "read_flow": "flowfeat.formats",
    "write_flow": "flowfeat.formats",
}

__all__ = [
    "ClipError",
    "FlowEstimator",
    "FlowField",
    "FlowStore",
    "FormatError",
    "InputError",
    "Pair",
    "StoreError",
    "__version__",
    "extract",
    "load_estimator",
    "read_clip",
    "read_flow",
    "write_flow",
]


def __getattr__(name: str):
    # Names are loaded when first used: `import flowfeat` stays free of torch, and the decoding processes start fast.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'flowfeat' has no attribute {name!r}")
