"""Two streams made one: the average of their scores, a weighted one, or a linear SVM.

Simonyan and Zisserman (2014) average softmax scores, or train a linear SVM on them, stacked and L2-normalised; TSN
(2016) averages scores before the softmax with weights 1 and 1.5. Weights and SVM are fitted to training clips that were
held out of the streams' training. Labels of test clips never decide anything here: fitting refuses clips, and other
clips of the same source videos, that are then fused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64

from flowfeat.errors import InputError
from recognition.metrics import aligned, predictions
from recognition.scores import FusedPart, Fusion, Kind, Scores

_STEPS = 20
"""Weights are searched in twentieths of their sum."""

_SVM_C = 1.0
"""scikit-learn's own; the paper names none, and few held-out clips could not choose one."""


@dataclass(frozen=True)
class FittedWeights:
    """Weights and what they are worth on the clips they were searched on; accuracies as fractions.

    Attributes:
        weights: of each stream, summing to 1.
        clips: how many decided.
        fused: accuracy with these weights; never below that of any stream alone, as the search includes those.
        streams: accuracy of each stream alone.
    """

    weights: tuple[float, ...]
    clips: int
    fused: float
    streams: tuple[float, ...]


def average(scores: Sequence[Scores]) -> Scores:
    """The mean of the streams' scores, as they are where all are of one kind, otherwise as softmax.

    Raises:
        InputError: fewer than two score files, or not of the same clips, classes, labels and split.
    """
    kind, streams = _same_clips(scores)
    mixed = _mix(streams, np.full(len(streams), 1 / len(streams)))
    return _fused(scores, mixed, kind, Fusion("average", _parts(scores, None), None))


def weighted(scores: Sequence[Scores], weights: Sequence[float], fitted_on: int | None = None) -> Scores:
    """The weighted mean of the streams' scores.

    Args:
        scores: of the same clips.
        weights: one each, not negative, of any sum: 1 and 1.5 are TSN's for colour and flow.
        fitted_on: how many clips decided the weights; None for weights that were known beforehand.

    Raises:
        InputError: as `average`, or the weights do not fit.
    """
    if len(weights) != len(scores):
        raise InputError(f"{len(scores)} score files need as many weights, not {len(weights)}")
    if not np.isfinite(weights).all() or min(weights) < 0 or not sum(weights):
        raise InputError(f"weights must be numbers from 0 up and not all 0, not {', '.join(map(str, weights))}")
    kind, streams = _same_clips(scores)
    share = np.asarray(weights, np.float64)
    parts = _parts(scores, [float(weight) for weight in weights])
    return _fused(scores, _mix(streams, share / share.sum()), kind, Fusion("weighted", parts, fitted_on))


def search_weights(held_out: Sequence[Scores]) -> FittedWeights:
    """The weights with the highest accuracy on held-out training clips.

    All weights in steps of a twentieth are tried, each stream alone too. Of equally accurate ones those with the
    highest likelihood of the true classes are taken: few clips leave many ties, and the first would be an extreme.

    Raises:
        InputError: as `average`, or these are scores of test clips.
    """
    _refuse_test(held_out)
    kind, streams = _same_clips(held_out)
    labels = held_out[0].labels
    best: tuple[float, float] | None = None
    chosen = ()
    for steps in _simplex(len(streams), _STEPS):
        weights = np.array(steps, np.float64) / _STEPS
        mixed = _mix(streams, weights)
        found = _accuracy(mixed, labels), _log_likelihood(replace(held_out[0], scores=mixed, kind=kind))
        if best is None or found > best:
            best, chosen = found, tuple(weights.tolist())
    assert best is not None
    return FittedWeights(chosen, len(labels), best[0], tuple(_accuracy(stream, labels) for stream in streams))


def fuse_weighted(scores: Sequence[Scores], held_out: Sequence[Scores]) -> tuple[Scores, FittedWeights]:
    """The weighted mean, its weights searched on the streams' scores of held-out training clips.

    Args:
        scores: of the clips to fuse.
        held_out: of the same streams in the same order.

    Raises:
        InputError: as `average`; the two do not belong together, or share source videos.
    """
    _check_fit(scores, held_out)
    fitted = search_weights(held_out)
    return weighted(scores, fitted.weights, fitted.clips), fitted


def fuse_svm(scores: Sequence[Scores], held_out: Sequence[Scores]) -> Scores:
    """A linear SVM on the streams' softmax scores, each L2-normalised, side by side (Simonyan and Zisserman, 2014).

    One class against the rest, squared hinge loss, C = 1; what it gives are its margins, which are kept as logits.

    Args:
        scores: of the clips to fuse.
        held_out: of the same streams in the same order, to which it is fitted.

    Raises:
        InputError: as `fuse_weighted`, or a class has no held-out clip.
    """
    _check_fit(scores, held_out)
    _refuse_test(held_out)
    classes, labels = held_out[0].classes, held_out[0].labels
    if unseen := [name for place, name in enumerate(classes) if place not in labels]:
        raise InputError(
            f"an SVM needs held-out clips of every class, and {unseen[0]} has none ({len(unseen)} such classes); give "
            "--fit scores of more training clips, or fuse by --method weighted"
        )
    # Here, because importing scikit-learn sets variables of the environment.
    from sklearn.svm import LinearSVC

    # The seed orders the coordinates of the solver; without it two runs would differ in the last digits.
    machine = LinearSVC(C=_SVM_C, random_state=0, max_iter=10_000).fit(_features(held_out), labels)
    margins = machine.decision_function(_features(scores))
    if margins.ndim == 1:  # of two classes it gives the second's margin alone
        margins = np.stack([-margins, margins], axis=1)
    fusion = Fusion("svm", _parts(scores, None), len(labels))
    return _fused(scores, margins.astype(np.float32), "logits", fusion)


def held_out_of(scores: Sequence[Scores], folds: Sequence[Scores]) -> tuple[Scores, ...]:
    """For each stream its scores of held-out training clips, all its folds as one.

    A fold belongs to the stream of the same kind, preset, network, flow and seed, so their order does not matter.

    Raises:
        InputError: a stream has no fold, a fold is of no stream, or a stream's folds are of different classes or kinds
            or hold a clip twice.
    """
    streams = [_training(each) for each in scores]
    for fold in folds:
        if streams.count(_training(fold)) != 1:
            told = "several" if _training(fold) in streams else "none"
            raise InputError(
                f"scores to fit are of {_training(fold)}, as {told} of the score files to fuse; give held-out scores "
                "of the same streams, presets, networks, flow and seeds"
            )
    return tuple(_join([fold for fold in folds if _training(fold) == stream], stream) for stream in streams)


def _join(folds: Sequence[Scores], stream: str) -> Scores:
    if not folds:
        raise InputError(
            f"there are no scores of held-out training clips of {stream}; hold some out in training, score them, and "
            "give them with --fit"
        )
    first = folds[0]
    if any((fold.classes, fold.kind) != (first.classes, first.kind) for fold in folds):
        raise InputError(f"the folds of {stream} are of different classes or kinds of scores, so they do not join")
    return replace(
        first,
        scores=np.concatenate([fold.scores for fold in folds]),
        clips=tuple(clip for fold in folds for clip in fold.clips),
        groups=tuple(group for fold in folds for group in fold.groups),
        labels=np.concatenate([fold.labels for fold in folds]),
        missing=sum(fold.missing for fold in folds),  # a missing clip is of one fold alone
    )


def _same_clips(scores: Sequence[Scores]) -> tuple[Kind, list[Float[np.ndarray, "clips classes"]]]:
    """Each stream's scores in the first's order of clips, all of one kind."""
    if len(scores) < 2:
        raise InputError(f"fusing needs two score files or more, and {len(scores)} was given")
    first = scores[0]
    for each in scores[1:]:
        if (each.settings.dataset, each.settings.split) != (first.settings.dataset, first.settings.split):
            raise InputError(
                f"score files are of {first.settings.dataset} split {first.settings.split} and of "
                f"{each.settings.dataset} split {each.settings.split}; fuse scores of one split"
            )
    rows = [first, *(aligned(first, each) for each in scores[1:])]
    kinds = {each.kind for each in rows}
    if len(kinds) > 1:
        rows = [each.as_softmax() for each in rows]
    return rows[0].kind, [each.scores for each in rows]


def _mix(
    streams: Sequence[Float[np.ndarray, "clips classes"]], weights: Float64[np.ndarray, " streams"]
) -> Float[np.ndarray, "clips classes"]:
    mixed = sum(weight * stream.astype(np.float64) for weight, stream in zip(weights, streams, strict=True))
    return np.asarray(mixed, np.float32)


def _simplex(streams: int, total: int) -> Iterator[tuple[int, ...]]:
    """All ways to share `total` steps among the streams."""
    if streams == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _simplex(streams - 1, total - first):
            yield (first, *rest)


def _accuracy(scores: Float[np.ndarray, "clips classes"], labels: np.ndarray) -> float:
    return float(np.mean(predictions(scores) == labels))


def _log_likelihood(scores: Scores) -> float:
    return float(np.mean(np.take_along_axis(scores.log_probabilities(), scores.labels[:, None], axis=1)))


def _features(scores: Sequence[Scores]) -> Float[np.ndarray, "clips features"]:
    first = scores[0]
    rows = [first, *(aligned(first, each) for each in scores[1:])]
    return np.concatenate([_unit_length(each.as_softmax().scores) for each in rows], axis=1)


def _unit_length(softmax: Float[np.ndarray, "clips classes"]) -> Float64[np.ndarray, "clips classes"]:
    values = softmax.astype(np.float64)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def _check_fit(scores: Sequence[Scores], held_out: Sequence[Scores]) -> None:
    if len(held_out) != len(scores):
        raise InputError(
            f"{len(scores)} score files were given to fuse, and {len(held_out)} of held-out training clips to fit; "
            "give one for each, in the same order"
        )
    for each, fit in zip(scores, held_out, strict=True):
        if each.classes != fit.classes:
            raise InputError("scores to fit and scores to fuse are of different classes; test both on the same ones")
        if _training(each) != _training(fit):
            raise InputError(
                f"scores to fit must be of the same streams in the same order: {_training(fit)} stands where "
                f"{_training(each)} is fused"
            )
    fused = set(scores[0].groups)
    pairs = (pair for fit in held_out for pair in zip(fit.clips, fit.groups, strict=True))
    seen = sorted({clip for clip, group in pairs if group in fused})
    if seen:
        raise InputError(
            f"{seen[0]} is to be fitted to, and it or another clip of its video is to be fused ({len(seen)} such "
            "clips); fit to training clips that were held out, never to clips of the test"
        )


def _refuse_test(held_out: Sequence[Scores]) -> None:
    for each in held_out:
        if each.settings.part != "validation":
            told = "test clips" if each.settings.part == "test" else "clips the streams were trained on"
            raise InputError(
                f"scores to fit are of {told}; weights and SVM are fitted to training clips that were held out"
            )


def _training(scores: Scores) -> str:
    """What was trained, whatever clips it was then tested on and with how many views."""
    of = scores.settings
    seed = None if of.seed is None else f"seed {of.seed}"
    return ", ".join(filter(None, (of.stream, of.preset, of.network, of.flow, seed)))


def _parts(scores: Sequence[Scores], weights: Sequence[float] | None) -> tuple[FusedPart, ...]:
    return tuple(
        FusedPart(each.settings.method, None if weights is None else weights[place])
        for place, each in enumerate(scores)
    )


def _fused(scores: Sequence[Scores], mixed: Float[np.ndarray, "clips classes"], kind: Kind, fusion: Fusion) -> Scores:
    """The first's clips and labels with the fused scores; what all streams share of their settings stays."""
    first = scores[0]
    settings = [each.settings for each in scores]

    def shared(name: str) -> str | int | None:
        values = {getattr(each, name) for each in settings}
        return values.pop() if len(values) == 1 else None

    return replace(
        first,
        scores=mixed,
        kind=kind,
        settings=replace(
            first.settings,
            stream="fused",
            **{
                name: shared(name)
                for name in ("preset", "network", "views", "flow", "seed", "steps", "part_of", "store")
            },
            fusion=fusion,
        ),
        fingerprint=first.fingerprint if len({each.fingerprint for each in scores}) == 1 else None,
        missing=max(each.missing for each in scores),
    )
