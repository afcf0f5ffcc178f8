"""A checkpoint of any family as one of ours: which network, in which numerics, with every tensor accounted for."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.numerics import NUMERICS, Numerics, ProfileName, in_profile
from flowfeat.networks.zoo import Composition, name_of, names_of, tensor_shapes
from flowfeat.weights import canonical, flownet1, lmb, mmflow, nvidia
from flowfeat.weights.containers import HEADER, Contents, Kind, Storage, read_contents
from flowfeat.weights.eight_bit import to_eight_bits

Family = Literal["flowfeat", "nvidia", "mmflow", "lmb", "flownet1"]
_SCHEMA = 1


@dataclass(frozen=True)
class Checkpoint:
    """Weights under our names, with what their network is and how it computes.

    Attributes:
        path: the file.
        sha256: of the file.
        kind: what kind of file it is.
        family: whose names it has.
        model: the name of the network, as far as the file tells: css and css-ft-sd have the same tensors.
        composition: which network, at which width.
        numerics: what the weights were made for.
        tensors: float32, by canonical name.
        notes: what was assumed about the file, because it does not say it.
        provenance: what a file of ours says of how it was made.
        storage: what the numbers are in a file of ours; in `tensors` they are float32.
    """

    path: Path
    sha256: str
    kind: Kind
    family: Family
    model: str
    composition: Composition
    numerics: Numerics
    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()
    provenance: dict[str, Any] | None = None
    storage: Storage | None = None

    def network(self, profile: ProfileName | None = None) -> FlowNetwork:
        """The network with these weights, in evaluation mode, on the CPU; in another profile if one is named."""
        with torch.device("meta"):
            network = FlowNetwork(self.composition, self._numerics_in(profile))
        network.network.load_state_dict(self.tensors, assign=True)
        return network.eval()

    def assumptions(self, profile: ProfileName | None = None) -> tuple[str, ...]:
        """What a user should know before trusting the flow in this profile; nothing where all is as published."""
        notes, used = list(self.notes), self._numerics_in(profile)
        if used.name in ("lmb", "flownet1") and used.name != self.numerics.name:
            whose = "the authors' FlowNet2" if used.name == "lmb" else "FlowNetPytorch"
            notes.append(f"it holds no mean colours: in the profile {used.name} those of {whose} are used")
        alone = used.small_displacement_alone
        if self.composition.letters == "SD" and alone and alone > used.small_displacement_scale:
            notes.append(
                "NVIDIA's code multiplies FlowNet2-SD's output by 20 where the weights want it divided by 20, so this "
                "flow is 400 times too large, as theirs is; --profile lmb gives pixels"
            )
        return tuple(notes)

    @property
    def parameters(self) -> int:
        """How many numbers the network has."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    def _numerics_in(self, profile: ProfileName | None) -> Numerics:
        return in_profile(self.numerics, profile) if profile and profile != self.numerics.name else self.numerics


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file: NVIDIA's, mmflow's, the authors' Caffe files, FlowNetPytorch's, or ours.

    No pickle in it is executed. Which family, network and width it is of is seen by its names and shapes.

    Raises:
        FormatError: where the file is no checkpoint, is damaged, or a tensor is missing, left over or misshapen.
        InputError: where there is no such file.
    """
    contents = read_contents(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return identify(path, contents, sha256)


def identify(path: Path, contents: Contents, sha256: str) -> Checkpoint:
    """What the contents of a file are. Raises FormatError where they are not all of one network's tensors."""
    family = _family(contents)
    if family is None:
        some = ", ".join(map(_shown, list(contents.tensors)[:3]))
        raise FormatError(
            f"{path}: its {len(contents.tensors)} tensors ({some}, ...) are none of a network of the FlowNet 2.0 family"
        )
    try:
        tensors, numerics, notes = _canonical(path, family, contents)
        composition = canonical.composition_of(tensors)
    except ValueError as fault:
        raise FormatError(f"{path}: {fault}") from fault
    _check_tensors(path, tensors, composition)
    header = contents.header or {}
    model = header.get("model") or _named(composition, family)
    provenance = header.get("provenance")
    if not isinstance(provenance, dict | None):
        raise FormatError(f"{path}: its header is damaged (provenance)")
    if model not in names_of(composition):
        raise FormatError(f"{path}: its header calls it {model!r}, and its tensors are of {name_of(composition)}")
    kind, storage = contents.kind, contents.storage
    return Checkpoint(path, sha256, kind, family, model, composition, numerics, tensors, notes, provenance, storage)


def write_checkpoint(checkpoint: Checkpoint, path: Path, storage: Storage = "float32") -> None:
    """Write a checkpoint in our layout. A file appears whole or not at all.

    As int8 it is a quarter as long, and no weight moves by over 1/254 of the largest of its channel.

    Raises InputError where `path` does not end in .safetensors.
    """
    from safetensors.torch import save

    if path.suffix != ".safetensors":
        raise InputError(f"{path}: weights are written as .safetensors; give --out such a name")
    header = {
        "schema": _SCHEMA,
        "model": checkpoint.model,
        "profile": checkpoint.numerics.name,
        "mean": checkpoint.numerics.mean,
        "storage": storage,
        "provenance": checkpoint.provenance
        or {"source": checkpoint.path.name, "source_sha256": checkpoint.sha256, "family": checkpoint.family},
    }
    if checkpoint.numerics.small_displacement_alone != NUMERICS[checkpoint.numerics.name].small_displacement_alone:
        header["small_displacement_alone"] = checkpoint.numerics.small_displacement_alone
    tensors = to_eight_bits(checkpoint.tensors) if storage == "int8" else checkpoint.tensors
    write_atomically(path, save(tensors, {HEADER: json.dumps(header)}))


def _family(contents: Contents) -> Family | None:
    names = contents.tensors.keys()
    if contents.header is not None:
        return "flowfeat"
    if contents.kind in ("caffemodel", "hdf5"):
        return "lmb"
    if any("decoder.decoders.level" in name for name in names):
        return "mmflow"
    finest = [name for name in names if name.endswith("predict_flow2.weight")]
    if not finest or any("refinement." in name for name in finest):
        return None  # ours, in a file that does not say in which numerics
    return "nvidia" if all(name.removesuffix("weight") + "bias" in names for name in finest) else "flownet1"


def _canonical(path: Path, family: Family, contents: Contents) -> tuple[dict[str, Tensor], Numerics, tuple[str, ...]]:
    """The tensors under our names, what they were made for, and what had to be assumed. Raises ValueError."""
    theirs = contents.tensors
    if family == "flowfeat":
        return theirs, _numerics_of(contents.header or {}), ()
    if family == "nvidia":
        fused = any(name.startswith("flownetfusion.") for name in theirs)
        return _renamed(theirs, lambda name: nvidia.canonical_name(name, fused)), NUMERICS["nvidia"], ()
    if family == "mmflow":
        ours = _renamed(theirs, mmflow.canonical_name)
        return canonical.flip_colours(canonical.without_zero_biases(ours)), NUMERICS["mmflow"], ()
    if family == "flownet1":
        return _of_flownet1(path, theirs)
    return _of_caffe(theirs)


def _of_flownet1(path: Path, theirs: dict[str, Tensor]) -> tuple[dict[str, Tensor], Numerics, tuple[str, ...]]:
    numerics = NUMERICS["flownet1"]
    ours = _renamed(flownet1.fold_batch_norm(theirs), lambda name: nvidia.canonical_name(name, fused=False))
    ours = flownet1.with_zero_biases(ours, tensor_shapes(canonical.composition_of(ours)))
    if "from_caffe" not in path.name:
        return ours, numerics, ("taken for weights for RGB, as `from_caffe` is not in the file's name",)
    # The same mean in the same places, before images in the other order.
    colours = tuple((red, green, blue) for blue, green, red in numerics.mean or ())
    note = "taken for weights for BGR, as `from_caffe` is in the file's name"
    return canonical.flip_colours(ours), replace(numerics, mean=colours), (note,)


def _of_caffe(blobs: dict[str, Tensor]) -> tuple[dict[str, Tensor], Numerics, tuple[str, ...]]:
    fused = any(name.startswith("fuse_") for name in blobs)
    stacked = any(name.startswith("net2_") for name in blobs)
    ours = _renamed(blobs, lambda blob: lmb.canonical_name(blob, stacked, fused))
    ours = canonical.flip_colours(canonical.without_zero_biases(ours))
    means = lmb.colour_means(blobs)
    if means is None:
        return ours, NUMERICS["lmb"], ("the file holds no mean colours: those of the authors' FlowNet2 are used",)
    return ours, replace(NUMERICS["lmb"], mean=means), ()


def _renamed(theirs: dict[str, Tensor], rename: Callable[[str], str | None]) -> dict[str, Tensor]:
    """Tensors under our names, without those that have none. Raises ValueError where two would have the same."""
    ours: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        new = rename(name)
        if new in ours:
            raise ValueError(f"{_shown(name)} is there twice under different names")
        if new is not None:
            ours[new] = tensor
    return ours


def _numerics_of(header: dict[str, Any]) -> Numerics:
    """What a file of ours says its weights were made for. Raises ValueError where it does not say it rightly."""
    if header.get("schema") != _SCHEMA:
        raise ValueError(f"its header is of schema {header.get('schema')!r}, and this version reads {_SCHEMA}")
    profile, mean = header.get("profile"), header.get("mean")
    if not isinstance(profile, str) or profile not in NUMERICS:
        raise ValueError(f"it is of a profile {profile!r} that this version does not know")
    if isinstance(mean, list):
        colours = [tuple(map(float, colour)) for colour in mean if isinstance(colour, list)]
        if [len(colour) for colour in colours] != [3, 3] or not all(map(math.isfinite, sum(colours, ()))):
            raise ValueError("its mean is no colour for each of two frames")
        mean = tuple(colours)
    elif mean not in ("pair", None):
        raise ValueError(f"its mean {mean!r} is unknown")
    # Null in a file with the FlowNet2-SD of a whole FlowNet2, which has one unit wherever it is used.
    alone = header.get("small_displacement_alone", NUMERICS[profile].small_displacement_alone)
    if alone not in (None, NUMERICS[profile].small_displacement_alone):
        raise ValueError(f"its small_displacement_alone {alone!r} is unknown")
    return replace(NUMERICS[profile], mean=mean, small_displacement_alone=alone)


def _check_tensors(path: Path, tensors: dict[str, Tensor], composition: Composition) -> None:
    """Every tensor of the network is there, of the right shape and of numbers, and none besides. Raises FormatError."""
    expected = tensor_shapes(composition)
    faults = [f"{name} is missing" for name in expected.keys() - tensors.keys()]
    for name, tensor in tensors.items():
        if name not in expected:
            faults.append(f"{_shown(name)} belongs to no layer")
        elif tensor.shape != expected[name]:
            faults.append(f"{name} is {_text(tensor.shape)} where it must be {_text(expected[name])}")
        # A sum that is finite is of finite numbers, and takes a tenth of the time.
        elif not (torch.isfinite(tensor.sum()) or torch.isfinite(tensor).all()):
            faults.append(f"{name} holds values that are no numbers")
    if faults:
        shown = "; ".join(sorted(faults)[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
        raise FormatError(f"{path}: taken for {name_of(composition)}, {shown}")


def _shown(name: str) -> str:
    """A name out of a file, which may hold anything, on one line."""
    return name if name.isprintable() and len(name) < 200 else ascii(name[:200])


def _text(shape: torch.Size) -> str:
    return "x".join(map(str, shape)) or "a single number"


def _named(composition: Composition, family: Family) -> str:
    if family == "flownet1" and composition.width == 1.0 and len(composition.letters) == 1:
        return f"flownet{composition.letters.lower()}"
    return name_of(composition)
