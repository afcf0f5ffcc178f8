"""What decides the contents of a store: the settings every one of its files carries, and their fingerprint."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from flowfeat.errors import InputError, StoreError

Encoding = Literal["jpeg", "uint8", "float16"]

JPEG_QUALITY = 95
"""Of the planes and the frames. Rounding alone costs 0.035 px RMSE of a component at bound 20, with JPEG 95 0.047."""

DEFAULT_BOUND = 20.0

FLOAT16_MAX = 65504.0
"""The largest displacement that the encoding of this name holds, in pixels."""


def check_bound(bound: float) -> float:
    """`bound` as a float, in pixels. Raises InputError where no flow can be quantised within it."""
    if not (math.isfinite(bound) and 0 < bound <= 10000):
        raise InputError(f"--bound {bound}: it must be more than 0 and at most 10000 pixels")
    return float(bound)


@dataclass(frozen=True)
class StoreSettings:
    """How the flow of a store was made. Two files belong into one store exactly if these are equal.

    `library`, `parameters` and `weights_sha256` describe the model. `bound` is in pixels and None for float16, which
    is not quantised; `quality` is None where nothing is a JPEG.
    """

    model: str
    library: str
    parameters: dict[str, str | int | float | bool]
    weights_sha256: str | None
    encoding: Encoding
    bound: float | None
    quality: int | None
    resize: str | None
    step: int
    backward: bool
    frames: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the settings, written as JSON with sorted keys and no spaces."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_json(cls, table: Any) -> "StoreSettings":
        """Settings from parsed JSON. Raises StoreError where something is missing, unknown or of the wrong kind."""
        if not isinstance(table, dict) or set(table) != set(cls.__dataclass_fields__):
            raise StoreError("its settings are not those of this version of flowfeat")
        bound, parameters = table["bound"], table["parameters"]
        right = (
            all(isinstance(table[name], str) for name in ("model", "library", "encoding"))
            and all(isinstance(table[name], str | None) for name in ("weights_sha256", "resize"))
            and isinstance(parameters, dict)
            and all(isinstance(value, str | int | float | bool) for value in parameters.values())
            and table["encoding"] in get_args(Encoding)
            and (bound is None) == (table["encoding"] == "float16")
            and (bound is None or (type(bound) in (int, float) and 0 < bound < 1e6))
            and (table["quality"] is None or type(table["quality"]) is int)
            and type(table["step"]) is int
            and table["step"] >= 1
            and type(table["backward"]) is bool
            and type(table["frames"]) is bool
        )
        if not right:
            raise StoreError("its settings hold values that no settings have")
        return cls(**table)

    def differences(self, other: "StoreSettings") -> str:
        """What differs between two settings, as `bound 20.0 there, 32.0 here`, for a sentence."""
        here, there = asdict(other), asdict(self)
        return "; ".join(f"{name} {there[name]} there, {here[name]} here" for name in here if here[name] != there[name])
