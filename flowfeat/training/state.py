"""The state of a run on disk: everything that a resumed run needs to go on as if it had never stopped.

It is one safetensors blob, cut into pieces that pass through narrow doors, with a table of contents beside them.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError

PIECE = 16 * 2**20
"""The largest piece, in bytes."""

_TABLE = "state.json"


@dataclass(frozen=True)
class TrainingState:
    """How far a run is.

    Attributes:
        step: steps done.
        best: the lowest validation error so far; None before the first.
        tensors: of the network, the optimiser, and the random numbers.
    """

    step: int
    best: float | None
    tensors: dict[str, Tensor]


def collect(network: nn.Module, optimiser: torch.optim.Optimizer, step: int, best: float | None) -> TrainingState:
    """The state of a run now."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    names = _parameter_names(network, optimiser)
    for place, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{key}.{names[place]}": torch.as_tensor(value) for key, value in values.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    return TrainingState(step, best, {name: value.detach().cpu().clone() for name, value in tensors.items()})


def restore(state: TrainingState, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Put a run back to where it was. Raises ValueError where the state is not of this network."""
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "optimiser": {}, "random": {}}
    for name, value in state.tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    try:
        network.load_state_dict(parts["network"])
    except RuntimeError as fault:
        raise ValueError("it is of another network") from fault
    names = {name: place for place, name in enumerate(_parameter_names(network, optimiser))}
    parameters = dict(network.named_parameters())
    values: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["optimiser"].items():
        key, _, of = name.partition(".")
        # Fused optimisers go through memory in its order: moments must lie as their parameters do.
        alike = torch.empty_like(parameters[of]).copy_(value) if value.shape == parameters[of].shape else value.clone()
        values.setdefault(names[of], {})[key] = alike
    optimiser.load_state_dict({"state": values, "param_groups": optimiser.state_dict()["param_groups"]})
    torch.set_rng_state(parts["random"]["cpu"])
    if torch.cuda.is_available() and "cuda" in parts["random"]:
        torch.cuda.set_rng_state(parts["random"]["cuda"])


def write_state(state: TrainingState, folder: Path) -> None:
    """Write `folder`; what was there before is there until the new state is whole."""
    blob = save({name: value.contiguous() for name, value in state.tensors.items()})
    pieces = [blob[start : start + PIECE] for start in range(0, len(blob), PIECE)]
    table = {
        "schema": 1,
        "step": state.step,
        "best": state.best,
        "pieces": [hashlib.sha256(piece).hexdigest() for piece in pieces],
    }
    # The pieces have their step in their names, and the table is what makes them count: it comes last.
    for place, piece in enumerate(pieces):
        write_atomically(folder / _piece(state.step, place), piece)
    write_atomically(folder / _TABLE, json.dumps(table, indent=1).encode())
    for path in folder.iterdir():
        if path.name != _TABLE and not path.name.startswith(f"{state.step:08d}-"):
            path.unlink()


def read_state(folder: Path) -> TrainingState | None:
    """The state in a folder, or None where none was written yet. Raises FormatError where it is damaged."""
    try:
        table: dict[str, Any] = json.loads((folder / _TABLE).read_text())
        step, best, digests = int(table["step"]), table["best"], list(table["pieces"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise FormatError(f"{folder / _TABLE}: it is damaged; remove {folder} to begin anew") from None
    pieces = []
    for place, digest in enumerate(digests):
        path = folder / _piece(step, place)
        piece = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(piece).hexdigest() != digest:
            raise FormatError(f"{path}: it is missing or damaged; remove {folder} to begin anew")
        pieces.append(piece)
    return TrainingState(step, best, load(b"".join(pieces)))


def _piece(step: int, place: int) -> str:
    return f"{step:08d}-{place:03d}.piece"


def _parameter_names(network: nn.Module, optimiser: torch.optim.Optimizer) -> list[str]:
    """The name of each of the optimiser's parameters, in its order."""
    by_identity = {id(parameter): name for name, parameter in network.named_parameters()}
    return [by_identity[id(parameter)] for group in optimiser.param_groups for parameter in group["params"]]
