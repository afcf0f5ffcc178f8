"""`flowfeat recognition test`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.training.distributed import is_first
from flowfeat.wording import counted
from recognition.metrics import Evaluation, evaluate
from recognition.scores import Scores, write_scores
from recognition.testing import TestOptions, parse_views, score_run


@dataclass(frozen=True)
class Test:
    """Score the test clips of a run's split, averaged over views, into a file that fusions and reports are made of.

    flowfeat recognition test runs/tsn-1 --out tsn-1.npz

    flowfeat recognition test runs/tsn-1 --views 25x10 --part validation --out tsn-1-held-out.npz
    """

    folder: Positional[Path]
    """The run."""
    out: Path
    """The .npz that the scores are written to."""
    views: str | None = None
    """NxM: N equally spaced stacks and M crops of each, 1 or 10; the preset's if not given."""
    part: Literal["test", "validation", "train"] = "test"
    """Whose clips: validation are those that the run held out of training (--fold), to fit fusions on."""
    which: Literal["last", "best"] = "last"
    """Weights after the last step, or those that were best on held-out clips."""
    store: Path | None = None
    """The store, where it is not where the run found it."""
    annotations: Path | None = None
    """The lists, where they are not where the run found them."""
    allow_missing: bool = False
    """Go on without the clips that the store has not; they are counted."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    workers: int = 0
    """Processes that read views ahead, for each device; 0 reads between the batches."""
    json: bool = False
    """Print accuracies as JSON on standard output."""

    def run(self) -> int:
        if self.out.suffix != ".npz":
            raise InputError(f"--out {self.out}: a score file's name must end in .npz")
        if self.workers < 0:
            raise InputError(f"--workers {self.workers}: say 0 or more")
        options = TestOptions(
            views=parse_views(self.views) if self.views else None,
            part=self.part,
            which=self.which,
            store=self.store,
            annotations=self.annotations,
            allow_missing=self.allow_missing,
        )
        with CountBar("stacks") as progress:
            scores = score_run(self.folder, options, resolve_device(self.device), self.workers, progress)
        if not is_first():
            return DONE
        write_scores(self.out, scores)
        found = evaluate(scores)
        if self.json:
            result_json({"out": self.out, **found.to_json()})
        else:
            result(self._text(scores, found))
        return INCOMPLETE if scores.missing else DONE

    def _text(self, scores: Scores, found: Evaluation) -> str:
        low, high = found.accuracy_interval
        lines = [
            f"{self.out}: {scores.settings.method}: accuracy {found.accuracy:.4f} (95 %: {low:.3f} to {high:.3f}), "
            f"mean class accuracy {found.mean_class_accuracy:.4f}, top 5 {found.top5:.4f}",
            f"{counted(found.clips, f'{scores.settings.part} clip')}, {found.missing} missing",
        ]
        if scores.settings.part_of:
            lines.append(f"a part of {scores.settings.part_of}: these are not numbers of the data set")
        return "\n".join(lines)
