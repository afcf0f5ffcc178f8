"""`flowfeat recognition fuse`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.errors import InputError
from flowfeat.wording import counted
from recognition.fusion import FittedWeights, average, fuse_svm, fuse_weighted, held_out_of, weighted
from recognition.metrics import Evaluation, McNemar, evaluate, mcnemar
from recognition.scores import Scores, read_scores, write_scores


@dataclass(frozen=True)
class Fuse:
    """Streams made one: the average of their scores, a weighted one, or a linear SVM.

    flowfeat recognition fuse spatial.npz temporal.npz --method average --out fused.npz

    flowfeat recognition fuse spatial.npz temporal.npz --method weighted --weights 1 1.5 --out fused.npz

    flowfeat recognition fuse spatial.npz temporal.npz --method svm --fit spatial-held.npz temporal-held.npz --out f.npz
    """

    scores: Positional[tuple[Path, ...]]
    """Two score files or more, of the same clips."""
    out: Path
    """The score file to write, .npz."""
    method: Literal["average", "weighted", "svm"] = "average"
    """Weights are searched on --fit, unless --weights says them; an SVM is fitted to --fit."""
    fit: tuple[Path, ...] = ()
    """Score files of training clips that were held out, one or more of each stream; never of test clips."""
    weights: tuple[float, ...] = ()
    """Of weighted: known beforehand, one for each score file in their order, as TSN's 1 1.5 for colour and flow."""
    json: bool = False
    """Print the numbers as JSON on standard output."""

    def run(self) -> int:
        self._check_options()
        if self.out.suffix != ".npz":
            raise InputError(f"{self.out}: a score file's name must end in .npz")
        streams = [read_scores(path) for path in self.scores]
        fused, fitted = self._fuse(streams)
        write_scores(self.out, fused)
        parts = [evaluate(each) for each in streams]
        whole = evaluate(fused)
        tests = [mcnemar(fused, each) for each in streams]
        if self.json:
            result_json(self._json(fused, whole, parts, tests, fitted))
        else:
            result(self._text(fused, whole, parts, tests, fitted))
        return INCOMPLETE if fused.missing else DONE

    def _check_options(self) -> None:
        if self.weights and self.method != "weighted":
            raise InputError(f"--weights are of --method weighted; {self.method} has none")
        if self.fit and (self.method == "average" or self.weights):
            raise InputError("--fit is for weights that are searched and for the SVM; leave it out")
        if not self.fit and not self.weights and self.method != "average":
            raise InputError(
                f"--method {self.method} needs --fit, score files of held-out training clips of each stream; train "
                "with --fold to hold clips out, and test that run on them"
            )

    def _fuse(self, streams: Sequence[Scores]) -> tuple[Scores, FittedWeights | None]:
        if self.method == "average":
            return average(streams), None
        if self.weights:
            return weighted(streams, self.weights), None
        held_out = held_out_of(streams, [read_scores(path) for path in self.fit])
        if self.method == "svm":
            return fuse_svm(streams, held_out), None
        return fuse_weighted(streams, held_out)

    def _json(
        self,
        fused: Scores,
        whole: Evaluation,
        parts: Sequence[Evaluation],
        tests: Sequence[McNemar],
        fitted: FittedWeights | None,
    ) -> dict[str, Any]:
        return {
            **whole.to_json(),
            "method": fused.settings.method,
            "out": self.out,
            "fusion": fused.settings.fusion,
            "fitted": fitted,
            "streams": [
                {"file": path, **part.to_json(), "mcnemar": test}
                for path, part, test in zip(self.scores, parts, tests, strict=True)
            ],
        }

    def _text(
        self,
        fused: Scores,
        whole: Evaluation,
        parts: Sequence[Evaluation],
        tests: Sequence[McNemar],
        fitted: FittedWeights | None,
    ) -> str:
        fusion = fused.settings.fusion
        assert fusion is not None
        rows = [["", "weight", "accuracy", "95 % interval", "mean class", "top 5", "McNemar p"]]
        for path, part, test, of in zip(self.scores, parts, tests, fusion.parts, strict=True):
            weight = "" if of.weight is None else f"{of.weight:g}"
            rows.append([path.name, weight, *_numbers(part), f"{test.p_value:.3g}"])
        rows.append([f"{self.method}, {self.out.name}", "", *_numbers(whole), ""])
        remarks = [f"{counted(whole.clips, 'clip')}, {whole.missing} missing"]
        if fusion.fitted_on is not None:
            remarks.append(f"fitted to {fusion.fitted_on} held-out training clips")
        if fitted is not None:
            alone = ", ".join(f"{100 * each:.1f}" for each in fitted.streams)
            remarks.append(f"on these the fusion has {100 * fitted.fused:.1f} %, the streams alone {alone} %")
        return "\n".join([columns(rows, right=range(1, len(rows[0]))), *remarks])


def _numbers(found: Evaluation) -> list[str]:
    low, high = found.accuracy_interval
    shares = (found.mean_class_accuracy, found.top5)
    return [
        f"{100 * found.accuracy:.2f}",
        f"{100 * low:.1f} to {100 * high:.1f}",
        *(f"{100 * share:.2f}" for share in shares),
    ]
