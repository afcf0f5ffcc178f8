"""Flow of test splits, in the files that the benchmarks' servers take.

    MPI-Sintel      DIR/clean/SCENE/frame_0001.flo      DIR/final/...; pack DIR with the `bundler` of its archive
    KITTI 2015      DIR/flow/000000_10.png              zip the folder `flow`
    KITTI 2012      DIR/000000_10.png                   zip the files, without a folder

as readme.txt of each KITTI development kit says. The files are made in `DIR.partial`, which an interrupted run
goes on with, and `DIR` appears when all are there and have been read back.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from flowfeat.atomic import PARTIAL, write_atomically
from flowfeat.benchmarks.measure import flow_of, pairs_of
from flowfeat.datasets import FlowDataset, open_dataset
from flowfeat.errors import FormatError, InputError
from flowfeat.estimators import FlowEstimator
from flowfeat.formats import read_flow, write_flow
from flowfeat.video.readers import read_picture

_MAKER = "model.json"
_KITTI_RANGE = -512.0, 511.984375
_RENDERINGS = ("clean", "final")


@dataclass(frozen=True)
class Submission:
    """What was written: where, how many files, and of which model."""

    folder: str
    files: int
    model: str


def write_submission(
    name: str,
    root: str | Path,
    estimator: FlowEstimator,
    out: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Compute the test split of a data set into the files that its server takes.

    Args:
        name: `sintel` (both renderings), `kitti2012` or `kitti2015`.
        root: the data set's folder.
        estimator: what computes the flow.
        out: the folder, which must not be there yet.
        progress: called with files done and files in all.

    Raises:
        InputError: there is no server for this data set, the test split is not there, `out` exists or was begun with
            another model, or a file that was written does not read back as flow of its frames' size.
    """
    if name not in ("sintel", "kitti2012", "kitti2015"):
        raise InputError(f"{name} takes no submissions of flow; sintel, kitti2012 and kitti2015 do")
    if out.exists():
        raise InputError(f"{out}: it is there already; remove it or give another --submission")
    parts = list(_parts(name, root))
    partial = out.with_name(out.name + PARTIAL)
    _claim(partial, estimator, out)
    total = sum(len(dataset) for _, dataset in parts)
    done = 0
    for below, dataset in parts:
        for index, pair in enumerate(pairs_of(dataset.names)):
            path = _path(partial / below, name, dataset.names[index])
            if not path.exists():
                flow = flow_of(estimator, dataset[index].frames, pair).cpu().numpy()
                write_flow(path, flow if name == "sintel" else _within(flow))
            done += 1
            if progress is not None:
                progress(done, total)
    for below, dataset in parts:
        for index, pair_name in enumerate(dataset.names):
            _check(_path(partial / below, name, pair_name), dataset.files(index)[0])
    (partial / _MAKER).unlink()
    partial.rename(out)
    return Submission(str(out), total, estimator.description.model)


def _parts(name: str, root: str | Path) -> Iterator[tuple[str, FlowDataset]]:
    """Folders of the submission and what lies in them."""
    if name == "sintel":
        for rendering in _RENDERINGS:
            yield rendering, open_dataset(name, root, "test", rendering)
    else:
        yield "flow" if name == "kitti2015" else "", open_dataset(name, root, "test")


def _path(folder: Path, name: str, pair: str) -> Path:
    return folder / f"{pair}{'.flo' if name == 'sintel' else '.png'}"


def _claim(partial: Path, estimator: FlowEstimator, out: Path) -> None:
    """Begin, or go on where a run with the same model left off."""
    maker = json.dumps(asdict(estimator.description), indent=1, sort_keys=True)
    note = partial / _MAKER
    if partial.exists() and (not note.exists() or note.read_text(encoding="utf-8") != maker):
        raise InputError(
            f"{partial}: a submission to {out.name} was begun here with another model; remove it or give another "
            "--submission"
        )
    write_atomically(note, maker.encode())


def _within(flow: Float32[np.ndarray, "2 h w"]) -> Float32[np.ndarray, "2 h w"]:
    """What KITTI's files can hold: no true displacement is beyond it."""
    return flow.clip(*_KITTI_RANGE)


def _check(path: Path, frame: Path) -> None:
    try:
        field = read_flow(path)
    except (FormatError, OSError) as fault:
        raise InputError(f"{path}: it cannot be read back ({fault}); remove it and run again") from fault
    size, expected = field.flow.shape[1:], read_picture(frame).shape[:2]
    if size != expected or field.valid is not None:
        raise InputError(
            f"{path}: it is {size[1]}x{size[0]}{'' if field.valid is None else ' with unknown pixels'} and the frame "
            f"is {expected[1]}x{expected[0]}; remove it and run again"
        )
