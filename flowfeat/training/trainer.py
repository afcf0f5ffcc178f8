"""The training loop: batches in, weights out, and whatever stops it, it goes on from where it was."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from flowfeat.errors import InputError
from flowfeat.metrics import endpoint_error
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.training.configuration import Configuration, networks_of
from flowfeat.training.data import Place, TrainingData, ValidationData
from flowfeat.training.distributed import Processes
from flowfeat.training.interruption import held
from flowfeat.training.objective import (
    Objective,
    gradient_norm,
    optimiser_groups,
    set_trained,
)
from flowfeat.training.run_folder import LogLine, RunFolder, Weights
from flowfeat.training.start import numerics_of, starting_network
from flowfeat.training.state import TrainingState, collect, restore
from flowfeat.training.units import to_keep
from flowfeat.weights import Checkpoint

_LOG_EVERY = 50


@dataclass(frozen=True)
class TrainingProgress:
    """How a run is doing.

    Attributes:
        step, iterations: done, and wanted.
        loss: mean since the last report.
        pairs_per_second: likewise.
        validation: the last measured endpoint error in pixels.
        best: the lowest so far.
    """

    step: int
    iterations: int
    loss: float
    pairs_per_second: float
    validation: float | None
    best: float | None


class Trainer:
    """One run of one configuration.

    Raises InputError where weights to start from are missing or do not fit, or data is not there.
    """

    def __init__(
        self,
        configuration: Configuration,
        folder: RunFolder,
        roots: Mapping[str, Path],
        start: Sequence[Checkpoint],
        processes: Processes,
    ):
        self.configuration, self.folder, self._processes = configuration, folder, processes
        self._train = configuration.train or {networks_of(configuration.composition)[-1]: 0}
        self.numerics = numerics_of(start)
        self.network = starting_network(configuration, start).to(processes.device)
        self.network.to(memory_format=torch.channels_last)
        groups = optimiser_groups(self.network.network, self._train, configuration.weight_decay)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[configuration.optimiser]
        self._optimiser = kind(groups, lr=0.0, betas=(0.9, 0.999), fused=True)
        self._data = TrainingData(configuration, roots, processes.device, Place(processes.rank, processes.count))
        self._validation = ValidationData(configuration, roots, processes.device)
        self.step, self.best, self._measured = 0, None, None
        self._phase, self._objective = -1, None

    def resume(self, state: TrainingState) -> None:
        """Go on from a state. Raises ValueError where it is of another network."""
        restore(state, self.network.network, self._optimiser)
        self.step, self.best = state.step, state.best

    def run(self, end: int, seconds: float, report: Callable[[TrainingProgress], None]) -> None:
        """Train up to the step `end`, or for so many seconds.

        The state is written at every validation, at the end, and when interrupted.

        Raises:
            InputError: the loss, or the weights when interrupted, are no numbers; they are not written.
        """
        end = min(end, self.configuration.schedule.iterations)
        begun, losses = time.monotonic(), []
        over = begun + seconds
        try:
            for step, batch in self._data.batches(self.step, end):
                with held():
                    loss, norm = self._learn(step, batch.frames, batch.flow, batch.valid)
                    self.step = step + 1
                losses.append(loss)
                # All processes stop at one step, whatever their clocks say: one that went on would wait for the others.
                late = seconds < math.inf and self._processes.as_first(time.monotonic() > over)
                due = self.step % self.configuration.validation.every == 0 or self.step == end or late
                if due or self.step % _LOG_EVERY == 0:
                    mean = float(torch.stack(losses).mean())
                    if not torch.isfinite(norm):
                        raise InputError(
                            f"{self.folder.path}: at step {self.step} the loss is no number; lower the rate"
                        )
                    rate = len(losses) * self.configuration.batch / (time.monotonic() - begun)
                    if due:
                        self._measure()
                    self._log(
                        LogLine(self.step, mean, self._rate(step), float(norm), rate, self._measured if due else None)
                    )
                    progress = (
                        self.step,
                        self.configuration.schedule.iterations,
                        mean,
                        rate,
                        self._measured,
                        self.best,
                    )
                    report(TrainingProgress(*progress))
                    begun, losses = time.monotonic(), []
                if due:
                    self._save()
                if late:
                    break
        except KeyboardInterrupt:
            if not all(bool(torch.isfinite(parameter).all()) for parameter in self.network.parameters()):
                raise InputError(
                    f"{self.folder.path}: stopped at step {self.step}, and the weights are no numbers; they were not "
                    "written, the state before them stands; lower the rate"
                ) from None
            self._save()
            raise

    def _learn(self, step: int, frames, flow, valid) -> tuple[Tensor, Tensor]:
        """One step: its loss, and the norm of its gradient."""
        objective = self._learning(step)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(step)
        self._optimiser.zero_grad(set_to_none=True)
        reduced = self.configuration.precision == "bf16"
        with torch.autocast(self._processes.device.type, torch.bfloat16) if reduced else nullcontext():
            loss = objective(frames, flow, valid)
        loss.backward()
        learnt = [p for group in self._optimiser.param_groups for p in group["params"] if p.grad is not None]
        norm = gradient_norm(learnt, self.configuration.clip)
        self._optimiser.step()
        return loss.detach(), norm

    def _learning(self, step: int) -> nn.Module:
        """The objective with the networks that learn at this step; it is made again when another joins in."""
        phase = sum(step >= first for first in self._train.values())
        if self._objective is None or self._phase != phase:
            set_trained(self.network.network, self._train, step)
            self._phase = phase
            self._objective = self._processes.distributed(Objective(self.network, self.configuration.loss))
        return self._objective

    def _rate(self, step: int) -> float:
        return self.configuration.schedule.at(step)

    def _measure(self) -> None:
        """The endpoint error of the validation pairs; if it is the lowest so far, the weights are kept."""
        if self._processes.rank:
            return
        self._measured = validation_error(self.network, self._validation)
        if self.best is None or self._measured < self.best:
            self.best = self._measured
            self._keep("best")

    def _keep(self, name: Literal["best", "last"]) -> None:
        state = {key: value.detach().cpu() for key, value in self.network.network.state_dict().items()}
        # Shared stages are written one by one: a file holds no ties.
        tensors = {key: value.clone(memory_format=torch.contiguous_format) for key, value in state.items()}
        composition = self.network.composition
        weights = Weights(composition, self.numerics, to_keep(tensors, composition, self.numerics))
        self.folder.write_weights(name, weights, self.configuration, self.step, self._measured)

    def _log(self, line: LogLine) -> None:
        if not self._processes.rank:
            self.folder.log(line)

    def _save(self) -> None:
        if not self._processes.rank:
            self._keep("last")
            self.folder.write_state(collect(self.network.network, self._optimiser, self.step, self.best))


@torch.no_grad()
def validation_error(network: FlowNetwork, pairs: ValidationData) -> float:
    """The mean over pairs of each pair's mean endpoint error where the flow is known, in pixels."""
    errors = []
    for place in range(len(pairs)):
        batch = pairs[place]
        error = endpoint_error(network(batch.frames), batch.flow)
        errors.append(error[batch.valid].mean())
    return float(torch.stack(errors).mean())
