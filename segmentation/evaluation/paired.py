"""Two results of the same shots: by how much they differ, and how much of that is the choice of shots.

Both methods take shots as they are, paired: the bootstrap draws shots with both of their scores (Efron and Tibshirani,
"An Introduction to the Bootstrap", 1993, chapters 13 and 16), the permutation test exchanges the two results within
shots. The score of the data set is computed anew each time, so it may be any function of sums over shots.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import bootstrap, permutation_test

from flowfeat.errors import InputError

FEW_SHOTS = 6
"""Below this an interval tells little: of 5 shots that all favour one result, 1 in 16 sets of equal results has as
much by chance."""

Score = Callable[[Float[np.ndarray, "n k"]], Float[np.ndarray, " n"]]
"""The score of a data set from the sums over its shots, of n data sets at once."""


@dataclass(frozen=True)
class ResamplingSettings:
    """How often shots are drawn, or exchanged, and how likely the interval is to hold the difference.

    Attributes:
        resamples: of either kind.
        confidence: of the interval.
        seed: of both.
    """

    resamples: int = 10_000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 1 or not 0 < self.confidence < 1:
            raise InputError(f"settings of a bootstrap are out of their range: {self}")


@dataclass(frozen=True)
class PairedDifference:
    """A score of two results on the same shots.

    Attributes:
        shots: how many.
        first, second: the score of each result.
        difference: first less second.
        interval: of the difference, the percentiles of the bootstrap; None with a single shot.
        first_better, second_better: shares of the resamples; the rest are ties. None with a single shot.
        p_value: twice the share of exchanges of both results within shots that make a difference at least as large
            in the same direction, at most 1; of all exchanges where there are no more than resamples, otherwise of
            that many at random. None with a single shot.
    """

    shots: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    first_better: float | None
    second_better: float | None
    p_value: float | None

    @property
    def few_shots(self) -> bool:
        """The interval and the p-value tell little."""
        return self.shots < FEW_SHOTS


def paired_difference(
    first: Float[np.ndarray, "shots k"],
    second: Float[np.ndarray, "_ k"],
    score: Score,
    settings: ResamplingSettings,
    higher_is_better: bool = True,
) -> PairedDifference:
    """Compare two results. The same seed gives the same numbers.

    Args:
        first, second: what each shot adds to the sums of which the score is made.
        score: defined for the sums over any shots, each any number of times.
        settings: resamples, confidence, seed.
        higher_is_better: otherwise the result with the lower score is the better one.

    Raises:
        InputError: there is no shot, or the numbers of shots differ.
    """
    shots = len(first)
    if not shots or shots != len(second):
        raise InputError(f"{shots} and {len(second)} shots cannot be compared; both results need the same ones")
    both = np.concatenate([first, second])

    def of(drawn: Int[np.ndarray, "*n shots"]) -> Float[np.ndarray, "*n"]:
        """The score of these rows of `both`."""
        sums = both[drawn].sum(axis=-2)
        return score(sums.reshape(-1, both.shape[1])).reshape(drawn.shape[:-1])

    rows = np.arange(shots)
    scores = float(of(rows)), float(of(rows + shots))
    observed = scores[0] - scores[1]
    if shots == 1:
        return PairedDifference(shots, *scores, observed, None, None, None, None)
    drawn = bootstrap(
        (rows,),
        lambda drawn, axis: of(drawn) - of(drawn + shots),
        n_resamples=settings.resamples,
        confidence_level=settings.confidence,
        method="percentile",
        vectorized=True,
        axis=-1,
        rng=np.random.default_rng(settings.seed),
    )
    exchanged = permutation_test(
        (rows, rows + shots),
        lambda one, other, axis: of(one) - of(other),
        permutation_type="samples",
        vectorized=True,
        n_resamples=settings.resamples,
        axis=-1,
        rng=np.random.default_rng(settings.seed),
    )
    higher, lower = (float((sign * drawn.bootstrap_distribution > 0).mean()) for sign in (1, -1))
    return PairedDifference(
        shots,
        *scores,
        observed,
        (float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)),
        *((higher, lower) if higher_is_better else (lower, higher)),
        min(1.0, float(exchanged.pvalue)),
    )


def smallest_p_value(shots: int) -> float:
    """What the permutation test says where every one of this many shots is in favour of the same result.

    >>> smallest_p_value(5)
    0.0625
    """
    return math.ldexp(2.0, -shots)
