"""The training loop: stacks in, weights out, and whatever stops it, it goes on from where it was."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flowfeat.errors import InputError
from flowfeat.training.distributed import Processes
from flowfeat.training.interruption import held
from flowfeat.training.state import TrainingState, collect, restore
from recognition.networks.partial_batch_norm import begin_training
from recognition.schedules import build_optimiser, set_rate
from recognition.stacks import TrainBatch
from recognition.training.evaluation import autocast
from recognition.training.objective import Objective
from recognition.training.run_folder import LogLine, RunFolder, Weights, WhichWeights
from recognition.training.settings import RunSettings

_LOG_EVERY = 20


Batches = Callable[[int, int], Iterator[tuple[int, list[TrainBatch]]]]
"""From one step up to another: the step, and this process's share of its batch in the parts that it is learnt in.

A batch depends on nothing but the number of its step, so a run resumes anywhere.
"""


@dataclass(frozen=True)
class TrainingProgress:
    """How a run is doing.

    Attributes:
        step, steps: done, and wanted.
        loss, train_accuracy: means since the last report.
        clips_per_second: likewise.
        validation: the last measured accuracy of one stack and its centre crop: 10 points or more below that of a
            test over 25 x 10 views.
        best: the highest so far.
    """

    step: int
    steps: int
    loss: float
    train_accuracy: float
    clips_per_second: float
    validation: float | None
    best: float | None


class Trainer:
    """One run.

    Args:
        settings: what decides it.
        folder: where it is kept.
        network: stacks to scores; on its device.
        batches: what it learns from.
        measure: the validation accuracy of the network; called by all processes. None where nothing is measured.
        processes: this one among those of the run.
    """

    def __init__(
        self,
        settings: RunSettings,
        folder: RunFolder,
        network: nn.Module,
        batches: Batches,
        measure: Callable[[nn.Module], float] | None,
        processes: Processes,
    ):
        self.settings, self.folder, self.network = settings, folder, network
        self._batches, self._measure, self._processes = batches, measure, processes
        self._optimiser = build_optimiser(network, settings.preset.optimiser)
        objective = Objective(network)
        self._objective: nn.Module = objective
        if processes.count > 1:
            devices = [processes.device] if processes.device.type == "cuda" else None
            self._objective = nn.parallel.DistributedDataParallel(objective, device_ids=devices)
        self.step, self.best = 0, None
        self.measured: float | None = None

    def resume(self, state: TrainingState) -> None:
        """Go on from a state. Raises ValueError where it is of another network."""
        restore(state, self.network, self._optimiser)
        self.step, self.best = state.step, state.best
        # A line is logged before its state is kept, so a run that was killed in between has one line too many.
        lines = [line for line in self.folder.lines() if line.step <= state.step]
        self.measured = next((line.validation for line in reversed(lines) if line.validation is not None), None)

    def run(self, end: int, report: Callable[[TrainingProgress], None]) -> None:
        """Train up to the step `end`. The state is written at every validation, at the end, and when interrupted."""
        end = min(end, self.settings.steps)
        if self.step >= end and not self._processes.rank and not self.folder.holds_weights("last"):
            self._keep("last")  # nothing is left to learn, but the weights were lost and the state was not
        begun, sums, videos = time.monotonic(), torch.zeros(2, dtype=torch.float64), 0
        try:
            for step, parts in self._batches(self.step, end):
                with held():
                    learnt, norm = self._learn(step, parts)
                    self.step = step + 1
                sums, videos = sums + learnt, videos + sum(len(part.labels) for part in parts)
                due = self.step % self.settings.validate_every == 0 or self.step == end
                if due or self.step % _LOG_EVERY == 0:
                    loss, accuracy, count = self._over_processes(sums, videos)
                    if not torch.isfinite(norm) or not loss < float("inf"):
                        raise InputError(
                            f"{self.folder.path}: at step {self.step} the loss is no number; train with another "
                            "preset, or in fp32"
                        )
                    speed = count / (time.monotonic() - begun)
                    if due:
                        self._validate()
                    line = LogLine(
                        self.step,
                        loss,
                        accuracy,
                        self.settings.preset.schedule.at(step),
                        float(norm),
                        speed,
                        self.measured if due else None,
                    )
                    if not self._processes.rank:
                        self.folder.log(line)
                    report(
                        TrainingProgress(
                            self.step, self.settings.steps, loss, accuracy, speed, self.measured, self.best
                        )
                    )
                    begun, sums, videos = time.monotonic(), torch.zeros(2, dtype=torch.float64), 0
                if due:
                    self._save()
        except KeyboardInterrupt:
            self._save()
            raise

    def _learn(self, step: int, parts: list[TrainBatch]) -> tuple[Tensor, Tensor]:
        """One step on a batch in parts: sums of losses and of right answers over videos, and the gradient's norm."""
        preset, device = self.settings.preset, self._processes.device
        begin_training(self.network, preset.partial_batch_norm)
        # Dropout is drawn anew at every step from its number, and by every process its own.
        torch.manual_seed((self.settings.seed * 1_000_003 + step) * 1_009 + self._processes.rank)
        set_rate(self._optimiser, preset.schedule.at(step))
        self._optimiser.zero_grad(set_to_none=True)
        videos = sum(len(part.labels) for part in parts)
        sums = torch.zeros(2, dtype=torch.float64)
        for place, part in enumerate(parts):
            stacks, labels = part.stacks.to(device, non_blocking=True), part.labels.to(device, non_blocking=True)
            with self._alone(place + 1 < len(parts)), autocast(self.settings.precision, device):
                loss, scores = self._objective(stacks, labels)
                (loss * (len(labels) / videos)).backward()
            right = (scores.argmax(1) == labels).sum()
            sums += torch.stack([loss.detach() * len(labels), right]).double().cpu()
        learnt = [p for group in self._optimiser.param_groups for p in group["params"] if p.grad is not None]
        norm = nn.utils.clip_grad_norm_(learnt, preset.optimiser.clip or float("inf"))
        self._optimiser.step()
        return sums, norm

    def _alone(self, more: bool):
        """Gradients go round among processes with the last part of a batch alone."""
        objective = self._objective
        if more and isinstance(objective, nn.parallel.DistributedDataParallel):
            return objective.no_sync()
        return nullcontext()

    def _over_processes(self, sums: Tensor, videos: int) -> tuple[float, float, int]:
        """Mean loss, accuracy, and the number of videos, over all processes."""
        total = torch.cat([sums, torch.tensor([float(videos)], dtype=torch.float64)])
        if self._processes.count > 1:
            total = total.to(self._processes.device)
            torch.distributed.all_reduce(total)
        loss, right, count = total.tolist()
        return loss / count, right / count, round(count)

    def _validate(self) -> None:
        """The accuracy of the validation clips; if it is the highest so far on held-out clips, weights are kept."""
        if self._measure is None:
            return
        self.measured = self._measure(self.network)
        if self.best is None or self.measured > self.best:
            self.best = self.measured
            if self.settings.fold is not None:
                self._keep("best")

    def _keep(self, which: WhichWeights) -> None:
        if not self._processes.rank:
            tensors = self.network.state_dict()
            self.folder.write_weights(which, Weights(self.settings, self.step, self.measured, tensors))

    def _save(self) -> None:
        if not self._processes.rank:
            self._keep("last")
            self.folder.write_state(collect(self.network, self._optimiser, self.step, self.best))
