"""What a two-stream experiment consists of, found out and checked before anything of it is computed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flowfeat.errors import InputError
from recognition.presets import FusionMethod, Preset
from recognition.training import Fold, RunFolder, RunSettings, TrainingOptions
from recognition.training.data import RunData, open_data
from recognition.training.run import settings_of_run
from recognition.training.settings import Precision
from recognition.two_stream.parts import BaselinePart, FusionPart, RunPart


@dataclass(frozen=True, kw_only=True)
class TwoStreamOptions:
    """What is asked for.

    Attributes:
        store, annotations: what is learnt from; the spatial stream needs a store with frames.
        presets: one stream, or two of one system.
        splits, seeds: each stream is trained on each split with each seed.
        classes: only these; all if empty.
        folds: fusions that have to be fitted are fitted to scores of training clips that were held out, so each stream
            is trained so many times more, each time without another part of them. 0 leaves such fusions out.
        allow_missing: go on without clips that the store does not hold.
        steps: every schedule is shortened or stretched to so many; None for the presets' own.
        weights: a file of ImageNet weights for streams that begin with them; None for torchvision's.
        precision, accumulate: as in `TrainingOptions`.
    """

    store: Path
    annotations: Path
    presets: tuple[Preset, ...]
    splits: tuple[int, ...] = (1, 2, 3)
    seeds: tuple[int, ...] = (0,)
    classes: tuple[str, ...] = ()
    folds: int = 3
    allow_missing: bool = False
    steps: int | None = None
    weights: Path | None = None
    precision: Precision = "fp32"
    accumulate: int = 1


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """A run with all that decides it.

    Attributes:
        part: which it is.
        options: what training is asked for.
        settings: what decides it.
        data: its clips.
    """

    part: RunPart
    options: TrainingOptions
    settings: RunSettings
    data: RunData


@dataclass(frozen=True, eq=False)
class Plan:
    """The parts of an experiment.

    Attributes:
        options: what was asked for.
        data: of each split.
        runs: by split, by seed, by stream; a stream's folds behind it.
        fusions: those that the system was published with, where there are two streams.
        left_out: fusions of the system that would have to be fitted, where no folds are wanted.
        baselines: of each split, where there is a temporal stream.
    """

    options: TwoStreamOptions
    data: dict[int, RunData]
    runs: tuple[PlannedRun, ...]
    fusions: tuple[FusionPart, ...]
    left_out: tuple[FusionMethod, ...]
    baselines: tuple[BaselinePart, ...]

    @property
    def missing(self) -> int:
        """Clips of the splits, of training and test, that the store does not hold; of several splits the most."""
        return max(len(data.where.split.missing) for data in self.data.values())


def make_plan(options: TwoStreamOptions) -> Plan:
    """All parts of an experiment.

    Raises:
        InputError: something that it takes is missing or does not fit.
    """
    _check(options)
    data = {
        split: open_data(options.store, options.annotations, split, options.classes, None, options.allow_missing)
        for split in options.splits
    }
    for each in data.values():
        each.clips("test")
    streams = {preset.stream for preset in options.presets}
    methods = options.presets[0].fusion if len(streams) > 1 else ()
    fitted: tuple[FusionMethod, ...] = tuple(method for method in methods if is_fitted(method, options.presets))
    left_out: tuple[FusionMethod, ...] = () if options.folds else fitted
    folds = [Fold(number, options.folds) for number in range(1, options.folds + 1)] if fitted else []
    for split, each in data.items():
        _check_folds(each, split, folds)
    parts = [
        RunPart(split, preset.stream, seed, fold)
        for split in options.splits
        for seed in options.seeds
        for preset in options.presets
        for fold in (None, *folds)
    ]
    return Plan(
        options=options,
        data=data,
        runs=tuple(_runs(options, data, parts)),
        fusions=tuple(
            FusionPart(split, method, seed)
            for split in options.splits
            for seed in options.seeds
            for method in methods
            if method not in left_out
        ),
        left_out=left_out,
        baselines=tuple(BaselinePart(split) for split in options.splits if "temporal" in streams),
    )


def published_weights(presets: Sequence[Preset]) -> tuple[float, ...] | None:
    """Weights of the streams that the system was published with, as TSN's 1.5 for flow and 1 for colour.

    None where there are none: all the same, they would be the average.
    """
    weights = tuple(preset.fusion_weight for preset in presets)
    return weights if len(set(weights)) > 1 else None


def is_fitted(method: FusionMethod, presets: Sequence[Preset]) -> bool:
    """Whether a fusion is fitted to held-out clips: an SVM, and weights where none were published."""
    return method == "svm" or (method == "weighted" and published_weights(presets) is None)


def refuse_mixture(plan: Plan, out: Path) -> None:
    """Refuse a folder that holds runs of another experiment.

    Other splits, seeds and folds may stand beside those of the plan; all else that decides runs of a stream is the
    same in one folder. Raises InputError where it is not, or a run's folder holds something else.
    """
    for run in plan.runs:
        RunFolder(out / run.part.folder).check(run.settings)
    for path in sorted(out.glob("split*/*/run.json")):
        there = RunFolder(path.parent).record().settings
        for run in plan.runs:
            here = run.settings
            if here.preset.stream != there.preset.stream:
                continue
            alike = replace(
                there,
                split=here.split,
                seed=here.seed,
                fold=here.fold,
                clips_trained=here.clips_trained,
                clips_sha256=here.clips_sha256,
                part_of=here.part_of,
            )
            if told := alike.differences(here):
                raise InputError(f"{out}: another experiment is in it ({path.parent.name}: {told}); give a new --out")


def _check(options: TwoStreamOptions) -> None:
    for name, given in (("--splits", options.splits), ("--seeds", options.seeds)):
        if not given:
            raise InputError(f"{name}: say at least one")
        if len(set(given)) < len(given):
            raise InputError(f"{name} {' '.join(map(str, given))}: say each once")
    if options.folds < 0 or options.folds == 1:
        raise InputError(f"--folds {options.folds}: say 2 or more, or 0 for fusions that need none")
    streams = [preset.stream for preset in options.presets]
    if not streams or len(set(streams)) < len(streams) or len({preset.name for preset in options.presets}) > 1:
        raise InputError("an experiment has one stream, or the two of one preset; say each once")
    if options.weights and all(preset.initial == "scratch" for preset in options.presets):
        raise InputError(f"--weights {options.weights}: {options.presets[0].name} begins at random; leave it out")


def _check_folds(data: RunData, split: int, folds: Sequence[Fold]) -> None:
    for fold in folds:
        try:
            replace(data, fold=fold).clips("validation")
        except InputError:
            raise InputError(
                f"--folds {fold.of}: the training clips of split {split} are of too few groups to be cut into so many "
                "parts; say fewer, or 0 for fusions that need none"
            ) from None


def _runs(options: TwoStreamOptions, data: dict[int, RunData], parts: Sequence[RunPart]) -> Iterator[PlannedRun]:
    presets = {preset.stream: preset for preset in options.presets}
    for part in parts:
        preset = presets[part.stream]
        asked = TrainingOptions(
            store=options.store,
            annotations=options.annotations,
            preset=preset,
            stream=part.stream,
            split=part.split,
            classes=options.classes,
            seed=part.seed,
            steps=options.steps,
            weights=options.weights if preset.initial == "imagenet" else None,
            fold=part.fold,
            allow_missing=options.allow_missing,
            precision=options.precision,
            accumulate=options.accumulate,
        )
        of_run = replace(data[part.split], fold=part.fold)
        yield PlannedRun(part, asked, settings_of_run(asked, of_run), of_run)
