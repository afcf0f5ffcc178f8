"""Learning rates over the iterations: the schedules of FlowNet 2.0 (section 3, figure 3), and one for short runs."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a network is trained, and at which rates.

    Attributes:
        iterations: steps in all.
        rate: the highest learning rate.
        halve_at: iterations after which the rate is half of what it was.
        warm_up: iterations over which the rate rises from nothing.
        shape: `halved` at the given iterations, or falling to nothing along a `cosine`.
    """

    iterations: int
    rate: float
    halve_at: tuple[int, ...] = ()
    warm_up: int = 0
    shape: Literal["halved", "cosine"] = "halved"

    def at(self, step: int) -> float:
        """The learning rate of the step with this number, counted from 0."""
        rate = self.rate * 0.5 ** sum(step >= place for place in self.halve_at)
        if self.shape == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.iterations)))
        return rate * min(1.0, (step + 1) / self.warm_up) if self.warm_up else rate


S_SHORT = Schedule(iterations=600_000, rate=1e-4, halve_at=(300_000, 400_000, 500_000))
S_LONG = Schedule(iterations=1_200_000, rate=1e-4, halve_at=(400_000, 600_000, 800_000, 1_000_000))
S_FINE = Schedule(iterations=500_000, rate=1e-5, halve_at=(200_000, 300_000, 400_000))

SCHEDULES = {"S_short": S_SHORT, "S_long": S_LONG, "S_fine": S_FINE}
"""By the paper's names; S_fine follows S_long."""
