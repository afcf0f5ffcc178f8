"""Where the results are that a protocol scores: in a folder SHOT/..., or in the part of a run that it needs."""

from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import InputError
from flowfeat.wording import counted
from segmentation.formats.label_map import frame_name, shots_of
from segmentation.runs.layout import RunFolder, open_run

OF_TRACKS = ("moseg", "moseg-strict", "bms26")
"""The protocols that score points. They take the tracks of a run; the others take its masks."""


@dataclass(frozen=True)
class ResultFolder:
    """Results of shots.

    Attributes:
        folder: with a folder for each shot, of label maps or a track file.
        shots: those that are there; of a run, those that are done with its settings.
        other_settings: shots of a run before, with other settings than the run has now; they are no result of it.
    """

    folder: Path
    shots: tuple[str, ...]
    other_settings: tuple[str, ...] = ()


def open_results(path: str | Path, protocol: str) -> ResultFolder:
    """The results in a folder, as a protocol needs them.

    Args:
        path: a folder with SHOT/00000.png or SHOT/*.dat, or the --out of `flowfeat segmentation run`.
        protocol: the name of one.

    Raises:
        InputError: the folder is not there, the record of a run or of a shot is damaged, or the run has no shot or not
            what the protocol scores.
    """
    path = Path(path)
    run = _run_at(path)
    if run is None:
        return ResultFolder(path, tuple(shots_of(path)))
    settings, shots, others = run.run_record().settings, [], []
    # A run with other settings that was stopped has left shots of before, which it would have made again.
    for name in run.shots():
        (shots if run.record(name).settings == settings else others).append(name)
    if not shots:
        left = f" with its settings ({counted(len(others), 'shot')} with others)" if others else ""
        raise InputError(f"{path}: no shot of this run is done{left}; run it again, it goes on where it stopped")
    if settings.segmentation is None:
        raise InputError(
            f"{path}: its shots were tracked and not segmented, so there is nothing to score; use `flowfeat "
            "segmentation run --tracks` with it"
        )
    if protocol in OF_TRACKS:
        return ResultFolder(path / "tracks", tuple(shots), tuple(others))
    if settings.dense is None:
        raise InputError(f"{path}: {protocol} scores label maps and this run has none; run it again with --dense")
    return ResultFolder(path / "masks", tuple(shots), tuple(others))


def dataset_of(protocol: str | None, *results: Path) -> Path:
    """The data set that results were made of, as their runs recorded it.

    Args:
        protocol: the name of one; None where the data set will decide it.
        results: folders, one of them of a run at least.

    Raises:
        InputError: no run recorded one, two recorded different ones, it has no ground truth or none for this protocol,
            or it is not there any more.
    """
    if protocol == "bideau":
        raise InputError("bideau scores against corrected ground truth of its own; say with --root where it is")
    runs = [run for path in results if (run := _run_at(path)) is not None]
    if not runs:
        raise InputError(f"{results[0]}: no run wrote this folder, so say with --root DATASET which data set it is of")
    roots: dict[Path, RunFolder] = {}
    for run in runs:
        record = run.run_record()
        if record.kind not in ("fbms", "davis"):
            raise InputError(
                f"{run.home}: it was made of {record.input}, which has no ground truth; say with --root where some is"
            )
        roots.setdefault(Path(record.input).absolute(), run)
    (root, run), *others = roots.items()
    for other, another in others:
        raise InputError(
            f"{run.home} was made of {root} and {another.home} of {other}; give results of one data set, or say with "
            "--root which one counts"
        )
    if not root.is_dir():
        raise InputError(f"{root}: the data set that {run.home} was made of is not there; say with --root where it is")
    return root


def _run_at(path: Path) -> RunFolder | None:
    if not path.is_dir():
        raise InputError(
            f"{path}: there is no such folder; give a result of `flowfeat segmentation run`, or a folder with "
            f"SHOT/{frame_name(0)}.png"
        )
    return open_run(path) if (path / "run.json").is_file() else None
