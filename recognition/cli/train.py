"""`flowfeat recognition train`."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import result, result_json, say
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.training.distributed import is_first
from recognition.cli.progress import TrainingBar
from recognition.training import Fold, TrainingOptions, train

ONE_STACK = (
    "one stack and its centre crop, which runs 10 points or more below a test over many views; "
    "`flowfeat recognition test` tells the accuracy"
)


@dataclass(frozen=True)
class Train:
    """Train one stream of a preset on the clips of a split whose flow is in a store. Run it again to go on.

    flowfeat recognition train --store ucf101-flow --annotations ucfTrainTestlist --split 1 --stream temporal --preset
    tsn --out runs/tsn-1

    flowfeat recognition train --store flow --annotations ucfTrainTestlist --split 1 --stream temporal --preset quick
    --classes JumpingJack Lunges --allow-missing --out runs/two --seed 1

    torchrun --nproc-per-node 4 -m flowfeat recognition train --store ... --out runs/tsn-1
    """

    store: Path
    """The store of `flowfeat extract`; with --frames for the spatial stream."""
    annotations: Path
    """UCF101's ucfTrainTestlist, HMDB51's lists, or a folder with a folder of clips for each class."""
    stream: Literal["temporal", "spatial"]
    """temporal learns from flow, spatial from frames."""
    preset: str
    """fn2-table5, two-stream-2014, tsn, tsn-bn-inception, quick or quick-imagenet."""
    out: Path
    """The run's folder: weights, log, state."""
    split: int = 1
    """Which of the data set's splits."""
    classes: tuple[str, ...] = ()
    """Only these."""
    seed: int = 0
    """Of all that is random."""
    steps: int | None = None
    """Train for so many steps, the preset's schedule shortened or stretched to them; its own number if not given."""
    stop_after: int | None = None
    """Stop after so many steps in all and leave the schedule as it is; run again to go on."""
    weights: Path | None = None
    """ImageNet weights, for presets that begin with them; downloaded if not given."""
    fold: str | None = None
    """K/N: hold the K-th of N parts of the training groups out of training, to validate on and to fit fusions on."""
    allow_missing: bool = False
    """Go on without the clips that the store has not; they are counted."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the forward pass."""
    accumulate: int = 1
    """Parts that a device's share of a batch is learnt in, where its memory is small; their gradients add up."""
    validate_every: int | None = None
    """Steps between validations, at which the state is kept too; a tenth of all if not given."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    workers: int = 0
    """Processes that read stacks ahead, for each device; 0 reads between the steps."""
    json: bool = False
    """Print a summary as JSON on standard output."""

    def run(self) -> int:
        for name, value in (
            ("--steps", self.steps),
            ("--stop-after", self.stop_after),
            ("--accumulate", self.accumulate),
            ("--validate-every", self.validate_every),
        ):
            if value is not None and value < 1:
                raise InputError(f"{name} {value}: say at least 1")
        if self.workers < 0 or self.seed < 0:
            option, value = ("--workers", self.workers) if self.workers < 0 else ("--seed", self.seed)
            raise InputError(f"{option} {value}: say 0 or more")
        if len(set(self.classes)) == 1:
            raise InputError(f"--classes {self.classes[0]}: a network tells at least two classes apart; name another")
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"--out {self.out}: this is a file, and a run is a folder; give another")
        options = TrainingOptions(
            store=self.store,
            annotations=self.annotations,
            split=self.split,
            classes=self.classes,
            stream=self.stream,
            preset=self.preset,
            seed=self.seed,
            steps=self.steps,
            weights=self.weights,
            fold=Fold.parse(self.fold) if self.fold else None,
            allow_missing=self.allow_missing,
            precision=self.precision,
            accumulate=self.accumulate,
            validate_every=self.validate_every,
        )
        with TrainingBar() as report:
            outcome = train(options, self.out, resolve_device(self.device), self.workers, self.stop_after, report)
        if not is_first():
            return DONE
        status = INCOMPLETE if outcome.missing else DONE
        if self.json:
            result_json({"out": self.out, **dataclasses.asdict(outcome)})
            return status
        measured = ""
        if outcome.validation is not None:
            measured = f"; one-crop accuracy {outcome.validation:.3f} on {outcome.validated_on}"
            say(f"flowfeat recognition train: one-crop accuracy is that of {ONE_STACK}")
        result(f"{self.out}: {outcome.step} of {outcome.steps} steps on {outcome.data}{measured}")
        return status
