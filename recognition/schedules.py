"""Learning rates over the iterations, as published, and which parameters learn at which share of them."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from flowfeat.errors import InputError
from recognition.networks.first_layer import first_convolution


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a network is trained, and at which rates.

    Attributes:
        iterations: steps in all.
        rate: the highest learning rate.
        tenth_at: iterations after which the rate is a tenth of what it was.
        warm_up: iterations over which the rate rises from nothing.
        shape: a tenth at the given iterations (`steps`), or falling to nothing along a `cosine`.
    """

    iterations: int
    rate: float
    tenth_at: tuple[int, ...] = ()
    warm_up: int = 0
    shape: Literal["steps", "cosine"] = "steps"

    def at(self, step: int) -> float:
        """The learning rate of the step with this number, counted from 0."""
        # Divided, because 0.1 ** n is not the number one would write for it.
        rate = self.rate / 10 ** sum(step >= place for place in self.tenth_at)
        if self.shape == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.iterations)))
        return rate * min(1.0, (step + 1) / self.warm_up) if self.warm_up else rate

    def in_steps(self, iterations: int) -> "Schedule":
        """The same schedule over another number of steps, all its places moved in proportion.

        Raises InputError where that is none.
        """
        if iterations < 1:
            raise InputError(f"{iterations} steps: a schedule has at least 1")
        share = iterations / self.iterations
        return replace(
            self,
            iterations=iterations,
            tenth_at=tuple(round(place * share) for place in self.tenth_at),
            warm_up=round(self.warm_up * share),
        )


# Simonyan and Zisserman 2014, section 5: from scratch, and fine-tuned from ImageNet. The rate with which fine-tuning
# begins is that of training from scratch.
TWO_STREAM_SCRATCH = Schedule(iterations=80_000, rate=1e-2, tenth_at=(50_000, 70_000))
TWO_STREAM_FINE = Schedule(iterations=20_000, rate=1e-2, tenth_at=(14_000,))

# Wang et al. 2016, section 4.1, and their solvers.
TSN_TEMPORAL = Schedule(iterations=20_000, rate=5e-3, tenth_at=(12_000, 18_000))
TSN_SPATIAL = Schedule(iterations=4_500, rate=1e-3, tenth_at=(2_000, 4_000))

# For batches of 8 clips of 3 stacks.
QUICK = Schedule(iterations=1_600, rate=0.02, warm_up=50, shape="cosine")
QUICK_IMAGENET = Schedule(iterations=600, rate=2e-3, warm_up=25, shape="cosine")


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """Stochastic gradient descent with momentum, as in all the published systems.

    Attributes:
        momentum: share of the step before.
        weight_decay: of weights.
        first_layer_rate: rates of the first convolution, as a multiple of the others'.
        bias_rate: rates of biases, as a multiple of their layer's.
        decay_biases: biases, and the scales of batch normalisations, decay too.
        clip: the largest norm of the gradient; None for no limit.
    """

    momentum: float = 0.9
    weight_decay: float
    first_layer_rate: float = 1.0
    bias_rate: float = 1.0
    decay_biases: bool = True
    clip: float | None = None


def build_optimiser(network: nn.Module, settings: Optimiser) -> torch.optim.SGD:
    """The optimiser of a network's parameters, in groups by their rate and decay; `set_rate` gives it its rates.

    Frozen parameters (partial batch normalisation) are in no group. Scales and shifts of batch normalisations learn
    at the common rate, as in TSN's networks.
    """
    first = first_convolution(network)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            is_norm, is_bias = isinstance(module, nn.modules.batchnorm._BatchNorm), name == "bias"
            rate = settings.first_layer_rate if module is first else 1.0
            rate *= settings.bias_rate if is_bias and not is_norm else 1.0
            decay = settings.weight_decay if settings.decay_biases or not (is_norm or is_bias) else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    tables: list[dict[str, Any]] = [
        {"params": parameters, "rate_factor": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    return torch.optim.SGD(tables, lr=0.0, momentum=settings.momentum)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group of `build_optimiser` its share of the learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate_factor"]
