"""The errors of the flow beside the accuracy it leads to.

Endpoint error over all pixels says little about recognition; error at motion boundaries and at small displacements
says more (Sevilla-Lara et al., "On the integration of optical flow and action recognition"). All three stand in the
table, so that nobody takes a lower endpoint error for a better classifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flowfeat.benchmarks.record import BenchmarkRecord


@dataclass(frozen=True)
class FlowErrors:
    """A model's errors on a data set with ground truth, in pixels; None where the data set cannot tell.

    Attributes:
        flow: the model, as score files call it.
        dataset: what was measured on.
        endpoint_error: over all pixels.
        at_boundaries: within 4 pixels of an edge of the motion.
        at_small_displacements: where less than 1 pixel moves.
    """

    flow: str
    dataset: str
    endpoint_error: float
    at_boundaries: float | None
    at_small_displacements: float | None


def flow_errors(records: Sequence[BenchmarkRecord]) -> tuple[FlowErrors, ...]:
    """The errors of every model in records of `flowfeat benchmark`, in their order."""
    return tuple(
        FlowErrors(
            measured.model.model,
            " ".join(filter(None, (record.dataset, record.split, record.rendering))),
            measured.endpoint_error,
            measured.columns.get("edges"),
            measured.columns.get("s0-1"),
        )
        for record in records
        for measured in record.models
    )
