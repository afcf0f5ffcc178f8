"""Weights of the multicut's costs, fitted to trajectories whose objects are known."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from flowfeat.errors import InputError
from flowfeat.provenance import versions
from segmentation.affinities import AffinitySettings, CostWeights, Distances, TrajectoryGraph, join_costs

Form = Literal["motion", "linear", "maximum"]

FORMS: tuple[Form, ...] = ("motion", "linear", "maximum")
"""Motion alone; one linear form of all distances; the larger of both, with one weight of motion (the paper's)."""


@dataclass(frozen=True)
class CalibrationSettings:
    """How weights are fitted.

    Attributes:
        folds: of the cross-validation over shots; at most one per shot.
        most_pairs: of one shot, drawn at random where it has more, so that memory stays bounded.
        largest_motion: d_motion is cut to it. Pairs beyond are cut whatever the weights, but a few of them that
            belong together, as limbs do, would bend the slope.
        seed: of the draw.
    """

    folds: int = 5
    most_pairs: int = 200_000
    largest_motion: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.most_pairs < 1 or not self.largest_motion > 0:
            raise InputError(f"settings of a calibration are out of their range: {self}")


@dataclass(frozen=True, eq=False)
class LabelledShot:
    """The pairs of one shot of a training split.

    Attributes:
        name: of the shot.
        distances: of the pairs whose objects are known.
        same: whether both trajectories are of one object.
        unknown: pairs that are left out, because a trajectory's object is not known.
        sha256: of the distances and the truth, to tell whether a fit was made of the same.
    """

    name: str
    distances: Distances
    same: Bool[np.ndarray, " edges"]
    unknown: int
    sha256: str


def labelled_shot(name: str, graph: TrajectoryGraph, objects: Int[np.ndarray, " tracks"]) -> LabelledShot:
    """A shot for `calibrate`: which neighbours belong together.

    Args:
        name: of the shot.
        graph: of its trajectories.
        objects: the true object of each trajectory, 0 the background; negative where it is not known, or where the
            trajectory crosses objects.

    Raises:
        InputError: where objects and trajectories differ in number.
    """
    if len(objects) != graph.nodes:
        raise InputError(f"{name}: {len(objects)} objects and {graph.nodes} trajectories do not belong together")
    ends = objects[graph.pairs]
    known = (ends >= 0).all(axis=1)
    of = graph.distances
    kept = Distances(of.motion[known], of.spatial[known], of.colour[known], of.overlap[known])
    same = ends[known, 0] == ends[known, 1]
    digest = hashlib.sha256()
    for values in (kept.motion, kept.spatial, kept.colour, same):
        digest.update(np.ascontiguousarray(values).tobytes())
    return LabelledShot(name, kept, same, int((~known).sum()), digest.hexdigest())


@dataclass(frozen=True)
class ShotFacts:
    """What a fit was made of: a shot, its pairs, those of one object, those left out because their object is not
    known or because the shot had too many, and the hash of all its known pairs."""

    name: str
    pairs: int
    same: int
    unknown: int
    not_drawn: int
    sha256: str


@dataclass(frozen=True)
class TracksFacts:
    """The tracks of a shot that a fit was made of: how many, those whose object is known, those on no pixel of ground
    truth, those that cross objects, and the hash of their file."""

    name: str
    tracks: int
    known: int
    unseen: int
    crossing: int
    sha256: str


@dataclass(frozen=True)
class Origin:
    """Which data a fit was made of.

    Attributes:
        dataset: `FBMS-59` or `DAVIS`.
        root: where its copy was.
        result: the folder that the tracks were taken from.
        flow: the model or the store that they followed.
        shots: those that were used.
        test_shots: those of them that scores are reported on; with these weights such a score tells nothing.
        without_tracks: shots of the training split that the result has no tracks of.
    """

    dataset: str
    root: str
    result: str
    flow: str
    shots: tuple[TracksFacts, ...]
    test_shots: tuple[str, ...]
    without_tracks: tuple[str, ...]


@dataclass(frozen=True)
class FormScore:
    """One form of the costs under cross-validation over shots.

    Attributes:
        form: which.
        log_loss: nats a pair on shots that were left out, the mean over shots.
        balanced_accuracy: the mean over shots of the mean of two shares, of pairs of one object that are joined and of
            pairs of two that are cut; None where no shot has both kinds.
        weights: fitted to all shots.
    """

    form: Form
    log_loss: float
    balanced_accuracy: float | None
    weights: CostWeights


@dataclass(frozen=True)
class Calibration:
    """Weights and where they come from.

    Attributes:
        affinities: the settings to use: those that the distances were computed with, and the fitted weights.
        form: of the weights, the one that left-out shots liked best.
        scores: of all forms.
        before: of the weights that the settings had; nothing was fitted for it.
        shots: that the fit was made of.
        settings: of the fit.
        versions: of the packages that had a part in it.
        origin: of the shots; None where they were not read from a data set.
    """

    affinities: AffinitySettings
    form: Form
    scores: tuple[FormScore, ...]
    before: FormScore
    shots: tuple[ShotFacts, ...]
    settings: CalibrationSettings
    versions: dict[str, str]
    origin: Origin | None = None


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs of all shots in one: d_motion, d_spatial, d_colour; every shot weighs the same."""

    features: Float[np.ndarray, "pairs 3"]
    same: Bool[np.ndarray, " pairs"]
    shot: Int[np.ndarray, " pairs"]

    def of(self, which: Bool[np.ndarray, " pairs"]) -> "_Pairs":
        return _Pairs(self.features[which], self.same[which], self.shot[which])

    @property
    def weight(self) -> Float[np.ndarray, " pairs"]:
        """With mean 1 and the same sum for each shot, because the pairs of one shot tell much the same."""
        count = np.bincount(self.shot)
        return len(self.shot) / np.count_nonzero(count) / count[self.shot]


def calibrate(
    shots: Sequence[LabelledShot],
    affinities: AffinitySettings,
    settings: CalibrationSettings,
    origin: Origin | None = None,
) -> Calibration:
    """Fit the log odds that two trajectories are of one object, by logistic regression.

    Each form of the costs is fitted to the shots of all folds but one and judged by the log loss on that one; the
    form with the least is fitted to all shots. Weights that would reward distance are 0. Deterministic.

    Args:
        shots: of a training split, at least 2.
        affinities: what their distances were computed with; its prior, clip and proof are kept, its weights compared.
        settings: folds, sampling.
        origin: of the shots, for the record.

    Raises:
        InputError: where shots with labels are fewer than 2 or two have one name, or all pairs are of one kind.
    """
    labelled = sum(len(shot.same) > 0 for shot in shots)
    if labelled < 2:
        raise InputError(f"cross-validation over shots needs at least 2 shots with labels, and there are {labelled}")
    if len({shot.name for shot in shots}) < len(shots):
        raise InputError("two shots have one name; each must be given once")
    facts, pairs = _drawn(shots, settings)
    if pairs.same.all() or not pairs.same.any():
        kind = "the same object" if pairs.same.any() else "different objects"
        raise InputError(f"all {len(pairs.same)} pairs are of {kind}; a fit needs shots with moving objects and both")
    # Here and below, because importing scikit-learn sets variables of the environment.
    from sklearn.model_selection import GroupKFold

    folds = list(GroupKFold(min(settings.folds, len(np.unique(pairs.shot)))).split(pairs.shot, groups=pairs.shot))
    for train, _ in folds:
        if len(np.unique(pairs.same[train])) < 2:
            raise InputError("without the shots of one fold all pairs are of one kind; give more shots with objects")
    scores = []
    for form in FORMS:
        odds = np.empty(len(pairs.same))
        for train, test in folds:
            chosen = np.zeros(len(pairs.same), np.bool_)
            chosen[train] = True
            odds[test] = _odds(_fit(pairs.of(chosen), form), pairs.features[test])
        scores.append(_score(form, odds, pairs, _fit(pairs, form)))
    best = min(scores, key=lambda score: score.log_loss)
    known = affinities.weights
    unclipped = replace(known, prior=0.5, clip=math.inf, proof=None)
    form: Form = "linear" if known.motion_intercept is None else "maximum"
    before = _score(form, _odds(unclipped, pairs.features), pairs, known)
    scores = tuple(replace(score, weights=_as_used(score.weights, known)) for score in scores)
    fitted = _as_used(best.weights, known)
    return Calibration(
        replace(affinities, weights=fitted), best.form, scores, before, facts, settings, versions(), origin
    )


def _as_used(fitted: CostWeights, known: CostWeights) -> CostWeights:
    """With what is no part of the fit."""
    return replace(fitted, prior=known.prior, clip=known.clip, proof=known.proof)


def _drawn(shots: Sequence[LabelledShot], settings: CalibrationSettings) -> tuple[tuple[ShotFacts, ...], _Pairs]:
    rng = np.random.default_rng(settings.seed)
    facts, features, same, number = [], [], [], []
    for n, shot in enumerate(shots):
        pairs = len(shot.same)
        drawn = np.arange(pairs)
        if pairs > settings.most_pairs:
            drawn = np.sort(rng.choice(pairs, settings.most_pairs, replace=False))
        of = shot.distances
        values = np.stack([np.minimum(of.motion, settings.largest_motion), of.spatial, of.colour], axis=1)[drawn]
        features.append(values.astype(np.float64))
        same.append(shot.same[drawn])
        number.append(np.full(len(drawn), n))
        facts.append(
            ShotFacts(shot.name, len(drawn), int(shot.same[drawn].sum()), shot.unknown, pairs - len(drawn), shot.sha256)
        )
    return tuple(facts), _Pairs(np.concatenate(features), np.concatenate(same), np.concatenate(number))


def _odds(weights: CostWeights, features: Float[np.ndarray, "pairs 3"]) -> Float[np.ndarray, " pairs"]:
    return join_costs(Distances(*features.T, overlap=np.full(len(features), 2)), weights)


def _fit(pairs: _Pairs, form: Form) -> CostWeights:
    """The weights with the greatest likelihood, with prior 0.5, no clip and every pair counted fully."""
    linear = _logistic(pairs, (0,) if form == "motion" else (0, 1, 2))
    if form != "maximum":
        intercept, motion, spatial, colour = linear
        return CostWeights(intercept, motion, spatial, colour, None, 0.5, math.inf, None)
    motion_intercept, slope = _logistic(pairs, (0,))[:2]
    # Not convex, so from two beginnings: the linear form, and motion alone with a little of the rest.
    starts = ([*linear, linear[0] - 3], [motion_intercept + 1, slope, -0.01, -0.01, motion_intercept - 1])
    bounds = [(None, None), (None, 0), (None, 0), (None, 0), (None, None)]
    best = min(
        (minimize(_loss, start, (pairs,), "L-BFGS-B", jac=True, bounds=bounds) for start in starts),
        key=lambda result: result.fun,
    )
    intercept, motion, spatial, colour, motion_intercept = (float(value) for value in best.x)
    return CostWeights(intercept, motion, spatial, colour, motion_intercept, 0.5, math.inf, None)


def _logistic(pairs: _Pairs, columns: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Intercept and the weights of d_motion, d_spatial and d_colour; 0 for columns left out or with the wrong sign."""
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(pairs.features.std(axis=0), 1e-9)
    while columns:
        chosen = list(columns)
        # All but no regularisation: it only keeps the weights of separable data finite.
        model = LogisticRegression(C=1e6, max_iter=1000)
        model.fit(pairs.features[:, chosen] / scale[chosen], pairs.same, sample_weight=pairs.weight)
        slopes = np.ravel(model.coef_) / scale[chosen]
        if (slopes <= 0).all():
            weights = np.zeros(3)
            weights[chosen] = slopes
            motion, spatial, colour = weights.tolist()
            return float(np.ravel(model.intercept_)[0]), motion, spatial, colour
        columns = tuple(column for column, slope in zip(columns, slopes, strict=True) if slope <= 0)
    share = float(np.average(pairs.same, weights=pairs.weight))
    return (math.log(share / (1 - share)), 0.0, 0.0, 0.0)


def _loss(parameters: Float[np.ndarray, " 5"], pairs: _Pairs) -> tuple[float, Float[np.ndarray, " 5"]]:
    """The mean log loss of the form with the maximum, and its gradient."""
    intercept, *slopes, motion_intercept = parameters
    first = intercept + pairs.features @ np.array(slopes)
    second = motion_intercept + slopes[0] * pairs.features[:, 0]
    one = first >= second
    odds, weight = np.where(one, first, second), pairs.weight / len(pairs.same)
    loss = -float((weight * np.where(pairs.same, log_expit(odds), log_expit(-odds))).sum())
    slope = weight * (expit(odds) - pairs.same)
    here = slope * one
    gradient = [here.sum(), slope @ pairs.features[:, 0], here @ pairs.features[:, 1], here @ pairs.features[:, 2]]
    return loss, np.array([*gradient, slope.sum() - here.sum()])


def _score(form: Form, odds: Float[np.ndarray, " pairs"], pairs: _Pairs, weights: CostWeights) -> FormScore:
    loss = -np.where(pairs.same, log_expit(odds), log_expit(-odds))
    losses, accuracies = [], []
    for shot in np.unique(pairs.shot):
        here = pairs.shot == shot
        losses.append(loss[here].mean())
        right, same = (odds > 0)[here] == pairs.same[here], pairs.same[here]
        if same.any() and not same.all():
            accuracies.append((right[same].mean() + right[~same].mean()) / 2)
    accuracy = float(np.mean(accuracies)) if accuracies else None
    return FormScore(form, float(np.mean(losses)), accuracy, weights)
