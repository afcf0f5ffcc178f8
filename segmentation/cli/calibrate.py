"""`flowfeat segmentation calibrate`."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.wording import counted
from segmentation.affinities import AffinitySettings
from segmentation.calibrate import Calibration, CalibrationSettings, FormScore, Origin, calibrate
from segmentation.calibration_file import write_calibration
from segmentation.runs.layout import open_run
from segmentation.training_shots import labelled_shots, training_shots


@dataclass(frozen=True)
class Calibrate:
    """Fit the weights of the multicut to the tracks of a training split, by cross-validation over its shots.

    flowfeat segmentation calibrate FBMS --tracks RESULT --out weights.json
    """

    dataset: Positional[Path]
    """A copy of FBMS-59 or DAVIS, for the ground truth."""
    tracks: Path
    """A result of `segmentation track` or `run` on it."""
    out: Path
    """The file of weights to write, for `segmentation run --calibration`."""
    shots: tuple[str, ...] = ()
    """Shots to fit to, which may be of a test set: with their weights a score on them tells nothing. If not given,
    FBMS-59's training set, and of DAVIS the sequences that are in no validation set."""
    folds: int = CalibrationSettings.folds
    """Parts of the shots, each judged by a fit to the others; at most one for each shot."""
    seed: int = CalibrationSettings.seed
    """Of the pairs that are drawn, where a shot has more than 200,000."""
    json: bool = False
    """Print what was fitted as JSON on standard output."""

    def run(self) -> int:
        settings, affinities = CalibrationSettings(folds=self.folds, seed=self.seed), AffinitySettings()
        if self.out.is_dir():
            raise InputError(f"{self.out}: this is a folder; give the file that the weights go to")
        run = open_run(self.tracks)
        chosen = training_shots(self.dataset, run, self.shots or None)
        with CountBar("shots") as progress:
            labelled, origin = labelled_shots(chosen, run, affinities, progress)
        found = calibrate(labelled, affinities, settings, origin)
        write_calibration(self.out, found)
        if self.json:
            result_json({**asdict(found), "out": self.out})
        else:
            result("\n".join([_text(found), *_pairs(found), *_origin(origin), f"written: {self.out}"]))
        return DONE


def _text(found: Calibration) -> str:
    head = ["form", "log loss", "balanced %", "intercept", "motion", "spatial", "colour", "motion alone"]
    rows = [_row(f"{score.form} (chosen)" if score.form == found.form else score.form, score) for score in found.scores]
    return columns([head, *rows, _row("weights before", found.before)], right=range(1, len(head)))


def _row(name: str, score: FormScore) -> list[str]:
    weights = score.weights
    numbers = (weights.intercept, weights.motion, weights.spatial, weights.colour, weights.motion_intercept)
    accuracy = "-" if score.balanced_accuracy is None else f"{100 * score.balanced_accuracy:.2f}"
    return [name, f"{score.log_loss:.4f}", accuracy, *("-" if each is None else f"{each:.4g}" for each in numbers)]


def _pairs(found: Calibration) -> list[str]:
    pairs, same = sum(shot.pairs for shot in found.shots), sum(shot.same for shot in found.shots)
    left_out = sum(shot.unknown for shot in found.shots), sum(shot.not_drawn for shot in found.shots)
    lines = [
        f"{pairs} pairs, {100 * same / pairs:.1f} % of one object; left out: {left_out[0]} of an unknown object, "
        f"{left_out[1]} beyond {found.settings.most_pairs} of a shot"
    ]
    chosen = next(score for score in found.scores if score.form == found.form).balanced_accuracy
    before = found.before.balanced_accuracy
    if chosen is not None and before is not None and chosen < before:
        lines.append(
            "the balanced accuracy fell, as it may where few pairs are of two objects: compare scores with both weights"
        )
    return lines


def _origin(origin: Origin) -> list[str]:
    tracks, known, unseen, crossing = (
        sum(getattr(shot, name) for shot in origin.shots) for name in ("tracks", "known", "unseen", "crossing")
    )
    lines = [
        f"{origin.dataset}, {counted(len(origin.shots), 'shot')}, {tracks} tracks: {known} of one object, {unseen} on "
        f"no pixel of ground truth, {crossing} on different objects"
    ]
    if origin.without_tracks:
        lines.append(f"of the training split, without tracks: {', '.join(origin.without_tracks)}")
    if origin.test_shots:
        lines.append(f"test shots, whose scores tell nothing now: {', '.join(origin.test_shots)}")
    return lines
