"""`flowfeat segmentation evaluate`."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.wording import counted
from segmentation.davis import MERGED, UNSUPERVISED, open_davis
from segmentation.evaluation.bideau import evaluate_bideau
from segmentation.evaluation.binary import evaluate_binary_davis, evaluate_binary_fbms
from segmentation.evaluation.bms26 import Bms26Score
from segmentation.evaluation.davis import evaluate_davis
from segmentation.evaluation.fbms_results import (
    FbmsProtocol,
    FbmsResult,
    ShotResult,
    evaluate_fbms,
    evaluate_tracks,
    shots_in_question,
)
from segmentation.evaluation.moseg import THRESHOLD, MosegScore
from segmentation.evaluation.over_shots import Bms26Means, MosegMeans
from segmentation.evaluation.result_folder import OF_TRACKS, ResultFolder, dataset_of, open_results
from segmentation.fbms import UnknownColours, is_fbms
from segmentation.formats.label_map import shots_of

Score = MosegScore | Bms26Score | MosegMeans | Bms26Means


@dataclass(frozen=True)
class Evaluate:
    """Score tracks or label maps by a protocol, a result of one single segment beside it.

    flowfeat segmentation evaluate --protocol moseg --definition cars1Def.dat --tracks Tracks10.dat --json

    flowfeat segmentation evaluate --protocol moseg --root FBMS --results masks

    flowfeat segmentation evaluate --protocol davis --root DAVIS --results masks

    flowfeat segmentation evaluate --protocol moseg --results RESULT
    """

    protocol: Literal["moseg", "moseg-strict", "bms26", "davis", "binary-j", "bideau"]
    """moseg is the official one of FBMS-59, moseg-strict beside it, which sees what it does not; bms26 is its
    predecessor; davis is the unsupervised task's J and F; binary-j merges all objects, on DAVIS or FBMS-59; bideau
    wants the corrected truth."""
    definition: Path | None = None
    """The Def.dat of one shot of FBMS-59, with --tracks."""
    tracks: Path | None = None
    """The labelled tracks of that shot; their first number is the window."""
    root: Path | None = None
    """A data set, with --results. A result of `segmentation run` knows its own."""
    results: Path | None = None
    """A folder with SHOT/00000.png, a label map for every frame; for FBMS-59 it may be a track file SHOT/*.dat. Or a
    result of `segmentation run`: its tracks, or its masks, are taken as the protocol needs."""
    frames: Path | None = None
    """Of bideau: a folder with SHOT/ and the pictures in it, where results are numbered by place and the ground truth
    by the numbers of the pictures."""
    window: Literal["10", "50", "200", "all"] = "all"
    """Of moseg, moseg-strict and bms26, with --results: how many frames from the first are scored; shots with fewer are
    skipped. Label maps are scored in any window, tracks in that which they were made for: those of `segmentation run`
    in all."""
    threshold: float | None = None
    """Of moseg and moseg-strict: a region is extracted where its F is above; 0.75 if not given."""
    unknown: UnknownColours | None = None
    """Of moseg, moseg-strict and bms26: pixels of a colour that the definition does not name are background (official,
    if not given), or do not count."""
    json: bool = False
    """Print the scores as JSON on standard output; what is undefined is null."""

    def run(self) -> int:
        given = [name for name in ("definition", "tracks", "root", "results") if getattr(self, name) is not None]
        if self.definition and self.tracks and len(given) == 2:
            return self._shot(self.definition, self.tracks)
        if self.results and set(given) <= {"root", "results"}:
            return self._results(self.results)
        said = " ".join(f"--{name}" for name in given) or "nothing"
        raise InputError(
            f"{said} was given; say --definition Def.dat --tracks FILE for one shot of FBMS-59, or --root DATASET "
            "--results DIR for a data set"
        )

    def _shot(self, definition: Path, tracks: Path) -> int:
        if self.protocol not in ("moseg", "moseg-strict", "bms26"):
            raise InputError(f"{tracks}: {self.protocol} scores label maps; say --root DATASET --results DIR")
        if self.window != "all":
            raise InputError(f"--window {self.window}: the window of a track file is its first number; leave it out")
        self._check_options()
        found = evaluate_tracks(definition, tracks, self.protocol, *self._rules())
        result_json(_shot_json(found)) if self.json else result(_table(_rows([(tracks.name, found)])))
        return DONE

    def _results(self, given: Path) -> int:
        self._check_options()
        results = open_results(given, self.protocol)
        root = self.root or dataset_of(self.protocol, given)
        if self.protocol in ("moseg", "moseg-strict", "bms26"):
            return self._fbms(self.protocol, root, results)
        return self._dense(root, results)

    def _check_options(self) -> None:
        """Raise InputError where an option says nothing to the protocol."""
        if self.frames is not None and self.protocol != "bideau":
            raise InputError(f"--frames {self.frames}: {self.protocol} needs no pictures; leave it out")
        if self.window != "all" and self.protocol not in OF_TRACKS:
            raise InputError(f"--window {self.window}: {self.protocol} scores whole shots; leave it out")
        if self.threshold is not None and self.protocol not in ("moseg", "moseg-strict"):
            raise InputError(
                f"--threshold {self.threshold:g}: it is of moseg and moseg-strict, and {self.protocol} does not look "
                "at it; leave it out"
            )
        if self.unknown is not None and self.protocol not in OF_TRACKS:
            raise InputError(
                f"--unknown {self.unknown}: it is of {', '.join(OF_TRACKS)}, and {self.protocol} does not look at it; "
                "leave it out"
            )

    def _rules(self) -> tuple[float, UnknownColours]:
        """From which F a region is extracted, and what unknown colours are."""
        return THRESHOLD if self.threshold is None else self.threshold, self.unknown or "official"

    def _fbms(self, protocol: FbmsProtocol, root: Path, results: ResultFolder) -> int:
        window = None if self.window == "all" else int(self.window)
        with CountBar("shots") as progress:
            found = evaluate_fbms(root, results.folder, protocol, window, *self._rules(), progress, results.shots)
        result_json(_fbms_json(found, results)) if self.json else result(_fbms_text(found, results))
        return INCOMPLETE if found.missing or results.other_settings else DONE

    def _dense(self, root: Path, results: ResultFolder) -> int:
        wanted, folder = self._wanted(root, results.folder), results.folder
        given = [name for name in wanted if name in results.shots]
        if wanted and not given:
            some = f"{', '.join(wanted[:3])}{', ...' if len(wanted) > 3 else ''}"
            raise InputError(
                f"{folder}: none of the {counted(len(wanted), 'shot')} that {self.protocol} scores of {root} has a "
                f"result here ({some}); segment at least one of them"
            )
        if self.protocol == "davis":
            found = evaluate_davis(root, folder, given)
        elif self.protocol == "bideau":
            found = evaluate_bideau(root, folder, self.frames, given)
        elif is_fbms(root):
            found = evaluate_binary_fbms(root, folder, given)
        else:
            found = evaluate_binary_davis(root, folder, given)
        missing = [name for name in wanted if name not in given]
        told = {
            **found.to_json(),
            "left_out": sorted(set(results.shots) - set(wanted)),
            "missing": missing,
            "other_settings": list(results.other_settings),
            "results": str(folder),
        }
        result_json(told) if self.json else result(_dense_text(told))
        return INCOMPLETE if missing or results.other_settings else DONE

    def _wanted(self, root: Path, results: Path) -> list[str]:
        """The shots that the protocol scores: the validation set of DAVIS, the splits of FBMS-59 that have any result,
        all of Bideau's ground truth."""
        if self.protocol == "davis":
            return open_davis(root).validation(UNSUPERVISED)
        if self.protocol == "bideau":
            return shots_of(root)
        return list(shots_in_question(root, results)) if is_fbms(root) else open_davis(root).validation(MERGED)


def _shot_json(found: ShotResult) -> dict[str, Any]:
    return {**asdict(found.score), **_strict_json(found), "one_cluster": asdict(found.one_cluster)}


def _strict_json(found: ShotResult | FbmsResult) -> dict[str, Any]:
    """Beside the official score alone."""
    return {} if found.strict is None else {"strict": asdict(found.strict)}


def _fbms_json(found: FbmsResult, results: ResultFolder) -> dict[str, Any]:
    return {
        **asdict(found.means),
        "window": "all" if found.window is None else found.window,
        "results": results.folder,
        **_strict_json(found),
        "one_cluster": asdict(found.one_cluster),
        "sequences": {name: _shot_json(shot) for name, shot in found.shots.items()},
        "shorter": found.shorter,
        "missing": found.missing,
        "other_settings": results.other_settings,
        "without_truth": found.without_truth,
    }


def _fbms_text(found: FbmsResult, results: ResultFolder) -> str:
    rows = _rows(found.shots.items())
    means = [
        [counted(found.means.evaluated, "shot"), *_numbers(found.means)],
        *([] if found.strict is None else [["  strict", *_numbers(found.strict)]]),
        ["  one cluster", *_numbers(found.one_cluster)],
    ]
    remarks = [
        f"{told}: {', '.join(names)}"
        for told, names in (
            ("nothing to evaluate in the window, in no mean", found.means.not_evaluated),
            ("skipped, shorter than the window", found.shorter),
            ("no result", found.missing),
            ("made with other settings than the run's, so no result of it", results.other_settings),
            ("no ground truth", found.without_truth),
        )
        if names
    ]
    return "\n".join([_table([*rows, *means]), f"results: {results.folder}", *remarks])


_MOSEG = ("shot", "protocol", "window", "density %", "precision %", "recall %", "F %", "extracted", "of")
_BMS26 = ("shot", "protocol", "window", "density %", "overall %", "average %", "merged", "extracted", "of")


def _table(rows: list[list[str]]) -> str:
    head = _BMS26 if rows[0][1] == "bms26" else _MOSEG
    return columns([head, *rows], right=range(2, len(head)))


def _rows(shots: Iterable[tuple[str, ShotResult]]) -> list[list[str]]:
    rows = []
    for name, shot in shots:
        rows.append([name, *_numbers(shot.score)])
        rows += [] if shot.strict is None else [["  strict", *_numbers(shot.strict)]]
        rows.append(["  one cluster", *_numbers(shot.one_cluster)])
    return rows


def _numbers(score: Score) -> list[str]:
    window = str(score.window) if isinstance(score, MosegScore | Bms26Score) else ""
    if isinstance(score, MosegScore | MosegMeans):
        shares = [None if value is None else 100 * value for value in (score.precision, score.recall, score.f_measure)]
        values = [score.density, *shares]
    else:
        values = [score.density, score.overall_error, score.average_error, score.over_segmentation]
    told = ["-" if value is None else f"{value:.2f}" for value in values]
    return [score.protocol, window, *told, str(score.extracted), str(score.visible)]


def _dense_text(told: dict[str, object]) -> str:
    """What the protocol measured, then each sequence."""
    lines = [str(told["protocol"])]
    for name, value in told.items():
        if isinstance(value, dict) and name == "sequences":
            shots = {shot: _flat(numbers) for shot, numbers in value.items()}
            names = list(next(iter(shots.values()), {}))
            rows = [[shot, *(_number(numbers[name]) for name in names)] for shot, numbers in shots.items()]
            lines.append(columns([["", *names], *rows], right=range(1, len(names) + 1)))
        elif isinstance(value, dict):
            lines.append(
                f"{name}: " + (", ".join(f"{key} {_number(number)}" for key, number in value.items()) or "none")
            )
        elif isinstance(value, list):
            lines.append(f"{name}: {', '.join(map(str, value)) or 'none'}")
        elif name != "protocol":
            lines.append(f"{name}: {_number(value)}")
    return "\n".join(lines)


def _flat(numbers: dict[str, Any]) -> dict[str, Any]:
    """One cluster's numbers among the others, as `one_cluster f_measure`."""
    flat: dict[str, Any] = {}
    for name, value in numbers.items():
        flat |= {f"{name} {key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _number(value: object) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
