"""A run from its options to its folder."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from flowfeat.errors import DeviceMemoryError, InputError
from flowfeat.training.distributed import Processes, is_first, join, leave
from flowfeat.training.interruption import interruptible
from recognition.datasets import LabelledClip
from recognition.networks.partial_batch_norm import freeze_batch_norms
from recognition.networks.zoo import build_network
from recognition.presets import Preset, Stream, find_preset
from recognition.stacks import StackSettings, TestViews, TrainStacks, train_batches
from recognition.training.data import RunData, open_data
from recognition.training.evaluation import scores_of_views
from recognition.training.folds import Fold
from recognition.training.run_folder import RunFolder, session_now
from recognition.training.settings import Precision, RunSettings, digest
from recognition.training.trainer import Batches, Trainer, TrainingProgress

_VALIDATIONS = 10

_STEPS_OF_A_LOADER = 1000


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What a run is asked for.

    Attributes:
        store, annotations: what it learns from.
        preset: a name of `PRESETS`, or one stream of a system with its numbers, for which `stream` is not needed.
        stream: of the preset called so.
        split: which of the data set's.
        classes: only these; all if empty.
        seed: of all that is random, 0 or more.
        steps: the preset's schedule is shortened or stretched to so many; None for its own.
        weights: a file of ImageNet weights, for presets that begin with them; None for torchvision's.
        fold: what is held out of training.
        allow_missing: go on without clips that the store does not hold.
        precision: of the forward pass.
        accumulate: parts that a process's share of a batch is learnt in.
        validate_every: steps between validations; None for a tenth of all.
    """

    store: Path
    annotations: Path
    preset: str | Preset
    stream: Stream = "temporal"
    split: int = 1
    classes: tuple[str, ...] = ()
    seed: int = 0
    steps: int | None = None
    weights: Path | None = None
    fold: Fold | None = None
    allow_missing: bool = False
    precision: Precision = "fp32"
    accumulate: int = 1
    validate_every: int | None = None


@dataclass(frozen=True)
class TrainingOutcome:
    """How far a run has come.

    Attributes:
        step, steps: done, and wanted.
        clips: that it learns from.
        missing: clips of the split, of training and test, that the store does not hold.
        data: the split in words.
        validation: the last accuracy of one stack and its centre crop, 10 points or more below a test over 25 x 10
            views; None where there are no clips to validate on, or no measurement was reached yet.
        validated_on: `validation` clips, held out of training, or `test` clips, by which then nothing is chosen.
        best: the highest such accuracy so far.
    """

    step: int
    steps: int
    clips: int
    missing: int
    data: str
    validation: float | None
    validated_on: str | None
    best: float | None


def train(
    options: TrainingOptions,
    out: Path,
    device: str | torch.device = "cpu",
    workers: int = 0,
    stop_after: int | None = None,
    report: Callable[[TrainingProgress], None] = lambda _: None,
) -> TrainingOutcome:
    """Train into the folder `out`; a run that was stopped, or killed, goes on.

    Args:
        options: what is trained, on what.
        out: the run's folder.
        device: where, unless torchrun says it.
        workers: processes that read stacks ahead, for each of the run's processes.
        stop_after: steps in all, if fewer than the schedule's; the schedule stays as it is.
        report: called every so often, by the first of several processes.

    Raises:
        InputError: something that the run takes is missing or does not fit, `out` holds another run, the loss is no
            number, or the device has too little memory.
        KeyboardInterrupt: on Ctrl-C and SIGTERM, when the state is written.
    """
    processes, folder = join(torch.device(device)), RunFolder(Path(out))
    try:
        data = open_data(
            options.store, options.annotations, options.split, options.classes, options.fold, options.allow_missing
        )
        settings = settings_of_run(options, data)
        folder.check(settings)
        state = folder.read_state()
        network = starting_network(settings, options.weights, state is not None).to(processes.device)
        measured_on = "validation" if options.fold else "test"
        validated = data.clips(measured_on) if options.fold or data.where.split.test else ()
        trainer = Trainer(
            settings,
            folder,
            network,
            _batches(settings, data, processes, workers),
            _measure(settings, data, validated, processes, workers) if validated else None,
            processes,
        )
        if state is not None:
            try:
                trainer.resume(state)
            except ValueError as fault:
                raise InputError(f"{folder.state}: {fault}; give a new --out") from fault
        processes.meet()  # all have read the state before the first writes
        absent = data.where.split.missing
        if processes.rank == 0:
            session = session_now(
                trainer.step, options.store, options.annotations, absent, processes.device, processes.count
            )
            folder.open(settings, session)
        processes.meet()
        with interruptible():
            trainer.run(stop_after or settings.steps, report if is_first() else lambda _: None)
        return TrainingOutcome(
            trainer.step,
            settings.steps,
            settings.clips_trained,
            len(absent),
            data.where.split.description,
            trainer.measured,
            measured_on if validated else None,
            trainer.best,
        )
    except torch.OutOfMemoryError:
        raise DeviceMemoryError(
            f"{out}: the device has no memory for its share of a batch; learn it in parts with --accumulate"
        ) from None
    finally:
        folder.close()
        leave(processes)


def starting_network(settings: RunSettings, weights: Path | None, goes_on: bool) -> nn.Module:
    """The network as training finds it; where a run goes on, or is tested, what it began with does not matter.

    Raises InputError where ImageNet's weights cannot be had or do not fit.
    """
    preset = settings.preset
    torch.manual_seed(settings.seed)
    begins = None if goes_on or preset.initial == "scratch" else weights or "imagenet"
    network = build_network(preset.network, preset.channels, len(settings.classes), preset.dropout, begins)
    if preset.partial_batch_norm:
        freeze_batch_norms(network)
    return network


def settings_of_run(options: TrainingOptions, data: RunData) -> RunSettings:
    """What decides the run of these options on its data.

    Raises InputError where a preset or weights are none, nothing is left to learn from, or the spatial stream finds no
    frames in the store.
    """
    named = options.preset
    preset = find_preset(named, options.stream) if isinstance(named, str) else named
    if options.weights and preset.initial == "scratch":
        raise InputError(f"--weights {options.weights}: {preset.name} begins at random; leave it out")
    if preset.stream == "spatial" and not data.flow.frames:
        raise InputError(
            f"{options.store}: no frames are stored, and the spatial stream learns from them; extract with --frames, "
            "or train the temporal stream alone"
        )
    if options.steps is not None:
        preset = replace(preset, schedule=preset.schedule.in_steps(options.steps))
    split, trained = data.where.split, data.clips("train")
    return RunSettings(
        preset=preset,
        initial=_sha256(options.weights) if options.weights else preset.initial,
        seed=options.seed,
        precision=options.precision,
        accumulate=options.accumulate,
        validate_every=options.validate_every or max(1, preset.schedule.iterations // _VALIDATIONS),
        dataset=split.dataset,
        split=split.number,
        classes=split.classes,
        part_of=split.part_of,
        fold=options.fold,
        clips_trained=len(trained),
        clips_sha256=digest(trained),
        flow=data.flow,
    )


def _batches(settings: RunSettings, data: RunData, processes: Processes, workers: int) -> Batches:
    """Each step's share of this process, in its parts."""
    preset, parts = settings.preset, settings.accumulate
    stacks = TrainStacks(data.where, data.clips("train"), StackSettings.of(preset), settings.seed, preset.drawn)

    def batches(first: int, end: int):
        # A loader is given the numbers of all its examples, and a published schedule has 20 million.
        for start in range(first, end, _STEPS_OF_A_LOADER):
            steps = range(start, min(start + _STEPS_OF_A_LOADER, end))
            loaded = train_batches(stacks, steps, preset.batch, workers, processes.rank, processes.count, parts)
            for step in steps:
                yield step, [next(loaded) for _ in range(parts)]

    return batches


def _measure(
    settings: RunSettings, data: RunData, clips: Sequence[LabelledClip], processes: Processes, workers: int
) -> Callable[[nn.Module], float]:
    """The accuracy of one stack, in the middle of each clip, and its centre crop."""
    views = TestViews(data.where, clips, StackSettings.of(settings.preset), 1, 1)
    labels = torch.tensor([clip.label for clip in clips])

    def measure(network: nn.Module) -> float:
        scores = scores_of_views(network, views, settings.preset, settings.precision, processes, workers)
        return float((scores.argmax(1) == labels).double().mean())

    return measure


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise InputError(f"{path}: the weights cannot be read ({fault.strerror})") from None
