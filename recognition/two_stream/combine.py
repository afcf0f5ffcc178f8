"""What is made of scores and flow without training a network: fusions of the streams, and the baseline."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from recognition.baseline import classify_by_histograms
from recognition.fusion import (
    FittedWeights,
    average,
    fuse_svm,
    fuse_weighted,
    held_out_of,
    weighted,
)
from recognition.presets import FusionMethod
from recognition.scores import Scores, ScoreSettings
from recognition.training.data import RunData
from recognition.two_stream.parts import BASELINE


def fuse(
    method: FusionMethod, streams: Sequence[Scores], held_out: Sequence[Scores], weights: tuple[float, ...] | None
) -> tuple[Scores, FittedWeights | None]:
    """Streams made one.

    Args:
        method: how.
        streams: scores of the clips to fuse.
        held_out: scores of training clips by runs that did not learn from them, folds of all streams in any order; not
            looked at by an average and where weights are given.
        weights: of the streams, if they were published.

    Returns the fused scores, and weights that were searched.

    Raises:
        InputError: the scores do not belong together.
    """
    if method == "average":
        return average(streams), None
    if method == "weighted" and weights:
        return weighted(streams, weights), None
    joined = held_out_of(streams, held_out)
    return fuse_weighted(streams, joined) if method == "weighted" else (fuse_svm(streams, joined), None)


def baseline_scores(data: RunData, histograms: Mapping[str, Float32[np.ndarray, "d"]]) -> Scores:
    """Scores of a split's test clips by histograms of flow and a linear SVM. Raises InputError as they do."""
    where = data.where
    split = where.split
    tested = data.clips("test")
    found = classify_by_histograms(where, data.clips("train"), tested, histograms)
    return Scores(
        scores=found.scores,
        kind="logits",
        clips=found.clips,
        groups=tuple(clip.source_video for clip in tested),
        labels=found.labels,
        classes=found.classes,
        settings=ScoreSettings(
            dataset=split.dataset,
            split=split.number,
            part="test",
            stream=BASELINE,
            flow=data.flow.model,
            part_of=split.part_of,
            store=str(where.store.path.absolute()),
        ),
        fingerprint=data.flow.fingerprint,
        missing=len(data.missing("test")),
    )
