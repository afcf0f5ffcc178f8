"""A training run as one file: TOML that is read strictly into dataclasses."""

import dataclasses
import tomllib
import types
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from flowfeat.datasets import DATASET_NAMES
from flowfeat.errors import InputError
from flowfeat.networks.zoo import Composition, named_composition
from flowfeat.rendering.settings import Setting
from flowfeat.training.augmentation import Augmentation
from flowfeat.training.schedule import SCHEDULES, Schedule

RENDERED = "rendered"
"""The data set that is made while it is needed."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Pairs of one kind, and how many of them are in a batch.

    Attributes:
        dataset: a name of `flowfeat.datasets`, or `rendered`.
        folder: what --data calls it, if not by the data set's name: where two are of one layout.
        pairs: in a batch, over all devices.
        split, rendering: of a data set, as `open_dataset` takes them.
        scenes: the setting of the renderer.
    """

    dataset: str
    pairs: int
    folder: str | None = None
    split: str | None = "train"
    rendering: str | None = None
    scenes: Setting | None = None


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What is minimised.

    Attributes:
        weights: of the levels, finest first, whose errors are summed over their cells.
        exponent, epsilon: of (error + epsilon)^exponent.
        networks: which ones' errors count: net1, net2, ..., sd, fusion. The last one's if none is named.
    """

    weights: tuple[float, ...] = (0.005, 0.01, 0.02, 0.08, 0.32)
    exponent: float = 1.0
    epsilon: float = 0.01
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Validation:
    """How well the network does is measured every so often, and the best weights are kept.

    Attributes:
        dataset, folder, split, rendering, scenes: as in `Data`; rendered pairs have another seed than those trained on.
        every: steps between two measurements.
        pairs: the first so many pairs; 0 for all.
    """

    dataset: str
    folder: str | None = None
    every: int
    pairs: int = 0
    split: str | None = None
    rendering: str | None = None
    scenes: Setting | None = None


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """How a network is trained.

    Attributes:
        model: a name of the family.
        schedule: by the paper's name, or in numbers.
        data: what a batch is made of.
        crop: height and width that the network sees, multiples of 64.
        validation: what the best weights are chosen by.
        starts_from: names of the networks whose weights are to be given with --start.
        train: from which step on each network is trained; those not named stay as they are. The last one, if none is.
        share_stages: all networks behind the first have the same weights (supplement, table 2).
        initial: what networks begin as: at random as in the paper, or structured (`flowfeat.training.initial`).
        copy_stage: the last network begins as a copy of the one before, unless --start brings it.
        optimiser: Adam, as in the paper, or AdamW.
        weight_decay: of weights, not of biases.
        clip: the largest norm of the gradient; 0 for none.
        precision: of the forward pass.
        seed: of all that is random.
    """

    model: str
    schedule: Schedule
    data: tuple[Data, ...]
    crop: tuple[int, int]
    validation: Validation
    starts_from: tuple[str, ...] = ()
    train: dict[str, int] = field(default_factory=dict)
    share_stages: bool = False
    initial: Literal["random", "structured"] = "random"
    copy_stage: bool = False
    loss: Loss = field(default_factory=Loss)
    augmentation: Augmentation = field(default_factory=Augmentation)
    optimiser: Literal["adam", "adamw"] = "adam"
    weight_decay: float = 4e-4
    clip: float = 0.0
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0

    @property
    def composition(self) -> Composition:
        """The network that `model` names."""
        composition = named_composition(self.model)
        assert composition is not None
        return composition

    @property
    def batch(self) -> int:
        """Pairs in a batch."""
        return sum(part.pairs for part in self.data)


def networks_of(composition: Composition) -> tuple[str, ...]:
    """What the networks of a composition are called in configurations, in their order."""
    if composition.letters == "fused":
        return ("net1", "net2", "net3", "sd", "fusion")
    if composition.letters == "SD":
        return ("sd",)
    return tuple(f"net{place}" for place in range(1, len(composition.letters) + 1))


def configuration_names() -> tuple[str, ...]:
    """The configurations that come with the package."""
    return tuple(sorted(_packaged()))


def _packaged() -> dict[str, Traversable]:
    """The package's files by name. Full width and thin have folders of their own: names that differ in the case of a
    letter alone are one name to some file systems."""
    home = resources.files("flowfeat.training") / "configurations"
    files = [file for folder in home.iterdir() if folder.is_dir() for file in folder.iterdir()]
    return {file.name.removesuffix(".toml"): file for file in files if file.name.endswith(".toml")}


def read_configuration(path: str | Path) -> tuple[Configuration, str]:
    """The configuration in a file, or the one of the package's that has this name, and its text.

    Raises:
        InputError: there is no such file, or it does not say what it must: which entry is wrong, and how.
    """
    source = Path(path)
    if packaged := _packaged().get(str(path)):
        text = packaged.read_text("utf-8")
    else:
        try:
            text = source.read_text("utf-8")
        except FileNotFoundError:
            raise InputError(
                f"{source}: there is no such file; the package's own are {', '.join(configuration_names())}"
            ) from None
        except OSError as fault:
            raise InputError(f"{source}: it cannot be read ({fault.strerror})") from None
        except UnicodeDecodeError:
            raise InputError(f"{source}: it is no text, and a configuration is TOML") from None
    try:
        configuration = _typed(Configuration, tomllib.loads(text), "")
        _check(configuration)
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{source}: it is no TOML ({fault})") from None
    except ValueError as fault:
        raise InputError(f"{source}: {fault}") from None
    return configuration, text


def _check(c: Configuration) -> None:
    """Raises ValueError where entries do not go together."""
    composition = named_composition(c.model)
    if composition is None:
        raise ValueError(f"model {c.model!r} is none of the FlowNet 2.0 family")
    networks = networks_of(composition)
    for name in (*c.train, *c.loss.networks):
        if name not in networks:
            raise ValueError(f"{c.model} has no network {name!r}; it has {', '.join(networks)}")
    if c.train and min(c.train.values()) > 0:
        raise ValueError("train: no network learns at step 0; begin with one of them")
    counted = c.loss.networks or networks[-1:]
    for name in c.train or networks[-1:]:
        if not any(name == other or _feeds(name, other) for other in counted):
            raise ValueError(f"train: {name} learns nothing from the loss of {', '.join(counted)}")
    if not c.data:
        raise ValueError("data is empty")
    if any(side < 64 or side % 64 for side in c.crop):
        raise ValueError(f"crop {list(c.crop)}: both sides must be multiples of 64")
    for part in (*c.data, c.validation):
        if part.dataset not in (*DATASET_NAMES, RENDERED):
            raise ValueError(f"there is no data set {part.dataset!r}; use {RENDERED} or {', '.join(DATASET_NAMES)}")
        if (part.scenes is not None) != (part.dataset == RENDERED):
            raise ValueError(f"{part.dataset}: scenes are said of {RENDERED} pairs, and of these always")
        if part.pairs < (isinstance(part, Data)):
            raise ValueError(f"{part.dataset}: pairs is {part.pairs}")
    if "fusion" in counted and len(counted) > 1:
        raise ValueError("loss.networks: the fusion has other levels than the other networks; its error counts alone")
    levels = 3 if "fusion" in counted else 5
    if len(c.loss.weights) != levels:
        raise ValueError(f"loss.weights has {len(c.loss.weights)} numbers, and the levels of {c.model} are {levels}")
    if c.schedule.iterations < 1 or c.validation.every < 1:
        raise ValueError("schedule.iterations and validation.every must be at least 1")
    if (c.copy_stage or c.share_stages) and len(composition.letters) < 3:
        raise ValueError(f"{c.model} has no two stages that could be alike")
    _check_ranges(c.augmentation)


def _check_ranges(ranges: Augmentation) -> None:
    """Raises ValueError where nothing could be drawn from a range."""
    for entry in dataclasses.fields(ranges):
        value, place = getattr(ranges, entry.name), f"augmentation.{entry.name}"
        if isinstance(value, tuple):
            if value[0] > value[1]:
                raise ValueError(f"{place}: {list(value)} is not the smallest and the largest")
            if entry.name in ("scale", "colour", "gamma") and value[0] <= 0:
                raise ValueError(f"{place}: {value[0]} is not more than 0")
        elif value < 0:
            raise ValueError(f"{place}: {value} is less than 0")


def _feeds(name: str, other: str) -> bool:
    """Whether the second network of a composition sees what the first one computes."""
    return other == "fusion" or (name.startswith("net") and other.startswith("net") and name < other)


def _typed(wanted: Any, value: Any, place: str) -> Any:
    """`value` of TOML as the type that is wanted. Raises ValueError, which names the place."""
    if wanted is Schedule and isinstance(value, str):
        if value not in SCHEDULES:
            raise ValueError(f"{place} {value!r} is unknown; there are {', '.join(SCHEDULES)}")
        return SCHEDULES[value]
    if dataclasses.is_dataclass(wanted):
        return _typed_table(wanted, value, place)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{place} is {value!r}; it can be {', '.join(map(str, arguments))}")
        return value
    if origin in (Union, types.UnionType):
        return _typed(next(kind for kind in arguments if kind is not type(None)), value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{place} must be a list")
        kinds = [arguments[0]] * len(value) if arguments[-1] is ... else list(arguments)
        if len(kinds) != len(value):
            raise ValueError(f"{place} must have {len(kinds)} entries, not {len(value)}")
        return tuple(
            _typed(kind, item, f"{place}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
        )
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{place} must be a table")
        return {name: _typed(arguments[1], item, f"{place}.{name}") for name, item in value.items()}
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not wanted:
        raise ValueError(f"{place} must be {_KINDS[wanted]}, not {value!r}")
    return value


_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _typed_table(wanted: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{place} must be a table")
    dot = f"{place}." if place else ""
    kinds, fields = get_type_hints(wanted), {entry.name: entry for entry in dataclasses.fields(wanted)}
    for name in value:
        if name not in fields:
            raise ValueError(f"{dot}{name} is unknown; there are {', '.join(fields)}")
    for name, entry in fields.items():
        missing = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if missing and name not in value:
            raise ValueError(f"{dot}{name} is missing")
    return wanted(**{name: _typed(kinds[name], item, f"{dot}{name}") for name, item in value.items()})
