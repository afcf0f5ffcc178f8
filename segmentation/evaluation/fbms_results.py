"""Results on FBMS-59 against its ground truth: one shot, or every shot of a folder of results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flowfeat.errors import InputError
from segmentation.evaluation.baseline import one_cluster
from segmentation.evaluation.bms26 import Bms26Score, score_bms26
from segmentation.evaluation.moseg import THRESHOLD, MosegScore, score_moseg
from segmentation.evaluation.over_shots import Bms26Means, MosegMeans, mean_bms26, mean_moseg
from segmentation.evaluation.points import Counts, count_maps, count_tracks, map_files
from segmentation.evaluation.strict import score_strict
from segmentation.fbms import Shot, UnknownColours, definition_of, open_shot, shot_folders
from segmentation.formats.label_map import shots_of
from segmentation.formats.track_file import read_tracks, read_window

FbmsProtocol = Literal["moseg", "moseg-strict", "bms26"]


@dataclass(frozen=True)
class ShotResult:
    """The score of a shot, what its points would score as one single cluster, and beside the official score, `moseg`,
    the strict one; None of other protocols."""

    score: MosegScore | Bms26Score
    one_cluster: MosegScore | Bms26Score
    strict: MosegScore | None = None


@dataclass(frozen=True)
class FbmsResult:
    """The scores of many shots in one window.

    Attributes:
        protocol: what was measured.
        window: frames; None where it is the length of each shot.
        means: over the shots.
        one_cluster: those of the same points as one single cluster.
        strict: those of the strict scores, beside the official ones; None of other protocols.
        shots: by name, in official order.
        shorter: shots that have fewer frames than the window and are skipped, as the official evaluator does.
        missing: shots of the splits in question without a result.
        without_truth: folders of results that are no shot of the data set.
    """

    protocol: FbmsProtocol
    window: int | None
    means: MosegMeans | Bms26Means
    one_cluster: MosegMeans | Bms26Means
    strict: MosegMeans | None
    shots: dict[str, ShotResult]
    shorter: tuple[str, ...]
    missing: tuple[str, ...]
    without_truth: tuple[str, ...]


def score(counts: Counts, protocol: FbmsProtocol, threshold: float = THRESHOLD) -> ShotResult:
    """The score of one shot, the baseline beside it.

    Args:
        counts: of `count_tracks` or `count_maps`.
        protocol: `moseg`, `moseg-strict` or `bms26`.
        threshold: of F, above which a region is extracted; bms26 has its own rule.
    """
    measures: dict[str, Callable[[Counts], MosegScore | Bms26Score]] = {
        "moseg": lambda counts: score_moseg(counts, threshold),
        "moseg-strict": lambda counts: score_strict(counts, threshold),
        "bms26": score_bms26,
    }
    measure = measures[protocol]
    strict = score_strict(counts, threshold) if protocol == "moseg" else None
    return ShotResult(measure(counts), measure(one_cluster(counts)), strict)


def evaluate_tracks(
    definition: str | Path,
    tracks: str | Path,
    protocol: FbmsProtocol = "moseg",
    threshold: float = THRESHOLD,
    unknown: UnknownColours = "official",
) -> ShotResult:
    """Score a track file against a `Def.dat`. The window is the first number of the track file.

    Raises:
        InputError: a file does not follow its format, ground truth is missing, or the window is none.
        OSError: a file is missing or cannot be read.
    """
    return score(count_tracks(read_tracks(tracks), open_shot(definition), unknown), protocol, threshold)


def evaluate_fbms(
    root: str | Path,
    results: str | Path,
    protocol: FbmsProtocol = "moseg",
    window: int | None = None,
    threshold: float = THRESHOLD,
    unknown: UnknownColours = "official",
    progress: Callable[[int, int], None] | None = None,
    shots: Sequence[str] | None = None,
) -> FbmsResult:
    """Score a folder of results: `SHOT/00000.png`, ... label maps, or a track file `SHOT/*.dat` of that window.

    Label maps of the whole shot are scored in any window. Tracks are scored in that which their file begins with, the
    frames that their method saw.

    Args:
        root: the data set, as for `segmentation.fbms.shot_folders`.
        results: the folder. Only splits of which it has a shot are evaluated.
        protocol: what to measure.
        window: 10, 50 or 200 frames; the length of each shot where nothing is said.
        threshold: of F, above which a region is extracted.
        unknown: what pixels of a colour are that the definition does not name.
        progress: called with shots done and shots in all.
        shots: the results that are taken, by name, if not all; shots whose result is not are missing.

    Raises:
        InputError: there is no result for any shot, or a file of one cannot be used.
        OSError: a file cannot be read.
    """
    results = Path(results)
    wanted = shots_in_question(root, results)
    given = set(shots_of(results)) if shots is None else set(shots)
    scored: dict[str, ShotResult] = {}
    shorter: list[str] = []
    present = [name for name in wanted if name in given]
    for done, name in enumerate(present):
        if progress is not None:
            progress(done, len(present))
        shot = open_shot(definition_of(wanted[name]))
        if window is not None and shot.definition.frames < window:
            shorter.append(name)
        else:
            scored[name] = score(_counts(shot, results / name, window, unknown), protocol, threshold)
    if progress is not None:
        progress(len(present), len(present))
    return FbmsResult(
        protocol=protocol,
        window=window,
        means=_means(protocol, {name: shot.score for name, shot in scored.items()}),
        one_cluster=_means(protocol, {name: shot.one_cluster for name, shot in scored.items()}),
        strict=_strict_means(scored) if protocol == "moseg" else None,
        shots=scored,
        shorter=tuple(shorter),
        missing=tuple(name for name in wanted if name not in given),
        without_truth=tuple(sorted(given - set(shot_folders(root)))),
    )


def shots_in_question(root: str | Path, results: str | Path) -> dict[str, Path]:
    """The shots of those splits of which the results have any shot, in official order.

    Args:
        root: as for `segmentation.fbms.shot_folders`.
        results: a folder with a folder for each shot.

    Raises:
        InputError: one of them is not there, or the results have no shot of the data set.
    """
    given, folders = set(shots_of(results)), shot_folders(root)
    splits = {folder.parent for name, folder in folders.items() if name in given}
    if not splits:
        raise InputError(f"{results}: it has no folder of the name of a shot in {root}; results are DIR/SHOT/00000.png")
    return {name: folder for name, folder in folders.items() if folder.parent in splits}


def _counts(shot: Shot, folder: Path, window: int | None, unknown: UnknownColours) -> Counts:
    files = sorted(folder.glob("*.dat"))
    if any(folder.glob("*.png")) or not files:
        return count_maps(map_files(folder), shot, unknown, window)
    wanted = shot.definition.frames if window is None else window
    fitting = [path for path in files if read_window(path) == wanted]
    if not fitting and {read_window(path) for path in files} == {shot.definition.frames}:
        raise InputError(
            f"{folder}: its tracks were made from all {shot.definition.frames} frames of the shot, as those of "
            f"`flowfeat segmentation run` are, and a window of {wanted} scores tracks that were made from the first "
            f"{wanted} alone; leave the window out, or segment a folder with these frames as a shot of its own"
        )
    if len(fitting) != 1:
        raise InputError(
            f"{folder}: {len(fitting)} of its {len(files)} track files are for a window of {wanted} frames, their "
            "first number; there must be one"
        )
    return count_tracks(read_tracks(fitting[0]), shot, unknown)


def _strict_means(shots: dict[str, ShotResult]) -> MosegMeans:
    return mean_moseg("moseg-strict", {name: shot.strict for name, shot in shots.items() if shot.strict is not None})


def _means(protocol: FbmsProtocol, scores: dict) -> MosegMeans | Bms26Means:
    return mean_bms26(scores) if protocol == "bms26" else mean_moseg(protocol, scores)
