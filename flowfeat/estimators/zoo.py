"""Names to estimators: one dictionary of constructors."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from flowfeat.errors import InputError
from flowfeat.estimators import opencv
from flowfeat.estimators.files import FlowFiles
from flowfeat.estimators.flownet import load_flownet
from flowfeat.estimators.opencv import Refined
from flowfeat.estimators.protocol import FlowEstimator, resolve_device
from flowfeat.estimators.raft import Raft
from flowfeat.estimators.zero import Zero
from flowfeat.networks.zoo import FAMILY, Composition, named_composition
from flowfeat.processors import processors
from flowfeat.weights.embedded import EMBEDDED

DEFAULT_MODEL = "flownet2-thin"
"""The model used where none is named: the package carries its weights."""


@dataclass(frozen=True)
class _Request:
    name: str
    weights: Path | None
    profile: str | None
    device: torch.device
    threads: int
    precision: str | None


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be named: how it is made, what it is, what it needs, and which network of ours it is.

    An `embedded` one has its weights in the package; others can be given in their place.
    """

    make: Callable[[_Request], FlowEstimator]
    method: str
    needs: str
    takes_weights: bool = False
    composition: Composition | None = None
    embedded: bool = False


def _opencv(make: Callable[[int], FlowEstimator]) -> ModelEntry:
    return ModelEntry(lambda request: make(request.threads), (make.__doc__ or "").rstrip("."), "extra opencv")


def _flownet(name: str) -> ModelEntry:
    paper = "Ilg et al., CVPR 2017" if name.startswith("flownet2") else "Dosovitskiy et al., ICCV 2015"
    letters, width = FAMILY[name].letters, FAMILY[name].width
    method = {"fused": "CSS-ft-sd and SD, fused", "SD": "for small displacements"}.get(letters, f"network {letters}")
    parts = [method, "3/8 of the channels" if width < 1 else None, EMBEDDED.get(name)]
    return ModelEntry(
        lambda r: load_flownet(r.name, r.weights, r.profile, r.device, r.precision),
        f"FlowNet ({paper}): {', '.join(part for part in parts if part)}",
        "embedded" if name in EMBEDDED else "weights (--weights)",
        True,
        FAMILY[name],
        name in EMBEDDED,
    )


_MODELS: dict[str, ModelEntry] = {
    **{name: _flownet(name) for name in FAMILY},
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
    profile: str | None = None,
    precision: str | None = None,
) -> FlowEstimator:
    """The estimator called `model`: a name of `model_entries`, or `files:DIR`; `+v` adds variational refinement.

    A network of the FlowNet 2.0 family at another width is called NAME@WIDTH, as `flownet2-S@0.5`.

    Args:
        model: without it, the network that `weights` holds, or the default of the package.
        weights: a checkpoint, for the models that have any: of the model, or of a network that it is a part of.
        profile: `lmb`, `nvidia`, `mmflow` or `flownet1`: compute as this family does, for the FlowNet 2.0 family;
            without it, as the family does whose weights these are.
        device: `cpu`, `cuda`, `cuda:N` or `auto`. OpenCV's methods always run on the CPU.
        threads: how many pairs OpenCV's methods compute at a time; one a processor by default.
        precision: `float32`, `float16` (GPUs) or `bfloat16` (GPUs, and processors that gain), for the FlowNet 2.0
            family; by default float16 on a GPU and float32 on a CPU.

    Raises:
        InputError: where the name, the weights or the device cannot be had.
    """
    path, place, workers = Path(weights) if weights else None, resolve_device(device), threads or processors()
    if path and model is None:
        return load_flownet(None, path, profile, place, precision)
    model = model or DEFAULT_MODEL
    name = model.removesuffix("+v")
    request = _Request(name, path, profile, place, workers, precision)
    entry = _MODELS.get(name) or (_MODELS.get(name.partition("@")[0]) if named_composition(name) else None)
    if entry is None and not name.startswith("files:"):
        raise InputError(
            f"there is no model called {model!r}; these work without weights: {_without_weights()}, each also with "
            "+v; `flowfeat models` lists all"
        )
    if path and not (entry and entry.takes_weights):
        raise InputError(f"the model {name} has no weights; leave --weights {path} out")
    if profile and not (entry and entry.composition):
        raise InputError(f"the model {name} has no profiles; leave --profile {profile} out")
    if precision and not (entry and entry.composition):
        raise InputError(f"the model {name} has one precision; leave --precision {precision} out")
    estimator = entry.make(request) if entry else FlowFiles(Path(name.removeprefix("files:")))
    return Refined(estimator, request.threads) if model.endswith("+v") else estimator


def _without_weights() -> str:
    names = [name for name, entry in _MODELS.items() if entry.embedded or not entry.takes_weights]
    return ", ".join([*names, "files:DIR"])
