"""Names to estimators: one dictionary of constructors."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from flowfeat.errors import InputError
from flowfeat.estimators import opencv
from flowfeat.estimators.files import FlowFiles
from flowfeat.estimators.opencv import Refined
from flowfeat.estimators.protocol import FlowEstimator, resolve_device
from flowfeat.estimators.raft import Raft
from flowfeat.estimators.zero import Zero

DEFAULT_MODEL: str | None = None
"""The model used where none is named; None while the package carries no weights of its own."""


@dataclass(frozen=True)
class _Request:
    weights: Path | None
    device: torch.device
    threads: int


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be named: how it is made, what it is, and what it needs."""

    make: Callable[[_Request], FlowEstimator]
    method: str
    needs: str
    takes_weights: bool = False


def _opencv(make: Callable[[int], FlowEstimator]) -> ModelEntry:
    return ModelEntry(lambda request: make(request.threads), (make.__doc__ or "").rstrip("."), "extra opencv")


_MODELS: dict[str, ModelEntry] = {
    "dis": _opencv(opencv.dis),
    "tvl1": _opencv(opencv.tvl1),
    "farneback": _opencv(opencv.farneback),
    "deepflow": _opencv(opencv.deepflow),
    "pcaflow": _opencv(opencv.pcaflow),
    "raft-small": ModelEntry(
        lambda r: Raft("small", r.weights, r.device),
        "RAFT (Teed and Deng, ECCV 2020), small",
        "weights (downloaded)",
        True,
    ),
    "raft-large": ModelEntry(
        lambda r: Raft("large", r.weights, r.device),
        "RAFT (Teed and Deng, ECCV 2020), large",
        "weights (downloaded)",
        True,
    ),
    "zero": ModelEntry(lambda r: Zero(r.device), "no motion: the baseline", "nothing"),
}


def model_entries() -> dict[str, ModelEntry]:
    """The models that can be named; besides these `files:DIR`, and `+v` behind any of them."""
    return dict(_MODELS)


def load_estimator(
    model: str | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> FlowEstimator:
    """The estimator called `model`: a name of `model_entries`, or `files:DIR`; `+v` adds variational refinement.

    Args:
        model: without it, the default of the package.
        weights: a checkpoint, for the models that have any.
        device: `cpu`, `cuda`, `cuda:N` or `auto`. OpenCV's methods always run on the CPU.
        threads: how many pairs OpenCV's methods compute at a time; one a processor by default.

    Raises:
        InputError: where the name, the weights or the device cannot be had.
    """
    model = model or DEFAULT_MODEL
    if model is None:
        raise InputError(
            "there are no default weights in this version yet: name a model with --model; "
            f"these work: {', '.join(_MODELS)}, files:DIR"
        )
    request = _Request(Path(weights) if weights else None, resolve_device(device), threads or os.cpu_count() or 1)
    name = model.removesuffix("+v")
    if name.startswith("files:"):
        _refuse_weights(name, request)
        estimator: FlowEstimator = FlowFiles(Path(name.removeprefix("files:")))
    elif name in _MODELS:
        if not _MODELS[name].takes_weights:
            _refuse_weights(name, request)
        estimator = _MODELS[name].make(request)
    else:
        raise InputError(
            f"there is no model called {model!r}; these work: {', '.join(_MODELS)}, files:DIR, each also with +v"
        )
    return Refined(estimator, request.threads) if model.endswith("+v") else estimator


def _refuse_weights(name: str, request: _Request) -> None:
    if request.weights:
        raise InputError(f"the model {name} has no weights; leave --weights {request.weights} away")
