"""What decides the results of a run: every record carries it, so that nothing is mixed up later."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal

from flowfeat.estimators import FlowEstimator
from flowfeat.store import StoreSettings
from flowfeat.typed_json import json_bytes
from segmentation.dense import DenseSettings
from segmentation.segment import SegmentationSettings
from segmentation.tracking import TrackerSettings

MaskFrames = Literal["all", "annotated"]


@dataclass(frozen=True)
class FlowFacts:
    """Where flow came from, as far as it decides its values.

    Attributes:
        model, library, parameters, weights_sha256: of the estimator.
        store: the fingerprint of the settings of the store it was read from; None where it was computed on the way.
    """

    model: str
    library: str
    parameters: dict[str, str | int | float | bool]
    weights_sha256: str | None
    store: str | None = None


def facts_of_estimator(estimator: FlowEstimator) -> FlowFacts:
    """Flow that is computed on the way."""
    of = estimator.description
    return FlowFacts(of.model, of.library, dict(of.parameters), of.weights_sha256)


def facts_of_store(settings: StoreSettings) -> FlowFacts:
    """Flow that was stored with these settings."""
    return FlowFacts(
        settings.model, settings.library, dict(settings.parameters), settings.weights_sha256, settings.fingerprint
    )


@dataclass(frozen=True)
class RunSettings:
    """Two shots with equal settings, made from equal inputs on one kind of machine, have equal results.

    Attributes:
        flowfeat: the version of this package.
        flow: what the tracks follow.
        tracker: which points, for how long.
        segmentation: which tracks belong together; None where shots are only tracked.
        dense: how labels spread to all pixels; None where there are no masks.
        frames: which frames get a mask.
        warm: whether a mask's solver begins from the frame before.
    """

    flowfeat: str
    flow: FlowFacts
    tracker: TrackerSettings
    segmentation: SegmentationSettings | None
    dense: DenseSettings | None
    frames: MaskFrames | None
    warm: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the settings as JSON."""
        return hashlib.sha256(json_bytes(self)).hexdigest()

    def differences(self, other: "RunSettings") -> str:
        """What differs, as `tracker.sampling 8 there, 4 here`, for a sentence; `self` is what is there."""
        there, here = _flat(asdict(self)), _flat(asdict(other))
        return "; ".join(
            f"{name} {there.get(name)} there, {here.get(name)} here"
            for name in sorted({*there, *here})
            if there.get(name) != here.get(name)
        )


def _flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in table.items():
        values |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return values
