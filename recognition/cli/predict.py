"""`flowfeat recognition predict`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import columns, result, result_json, say
from flowfeat.errors import InputError
from recognition.cli.progress import PredictionBars
from recognition.predict import Predictions, predict
from recognition.testing import parse_views


@dataclass(frozen=True)
class Predict:
    """What somebody's own videos show, by a run, or by one of each stream. Flow is computed as the run's store was.

    flowfeat recognition predict runs/temporal holiday.mp4

    flowfeat recognition predict runs/temporal runs/spatial holiday.mp4 --top 3
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN] VIDEO...")]
    """One or two runs, then videos, folders of videos or folders of frames."""
    top: int = 5
    """How many classes are told."""
    views: str | None = None
    """NxM: N equally spaced stacks and M crops of each, 1 or 10; each preset's if not given."""
    weights: Path | None = None
    """A checkpoint of the model that computed the store's flow, where it is none of the package's."""
    resize: str | None = None
    """HEIGHTxWIDTH or shorter:PIXELS, the size that flow is computed at; as large as the frames of training were if not
    given, because displacements are learnt in pixels."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    json: bool = False
    """Print the classes and their probabilities as JSON on standard output."""

    def run(self) -> int:
        runs = [path for path in self.inputs if (path / "run.json").is_file()]
        videos = [path for path in self.inputs if path not in runs]
        if not runs:
            raise InputError("no run was given: name the folder of `flowfeat recognition train` before the videos")
        if not videos:
            raise InputError("no video was given: name videos, folders of videos, or folders of frames")
        if self.top < 1:
            raise InputError(f"--top {self.top}: say at least 1")
        views = parse_views(self.views) if self.views else None
        with PredictionBars() as bars:
            found = predict(
                runs,
                videos,
                self.top,
                views,
                self.weights,
                self.resize,
                self.device,
                computed=bars.computed,
                scored=bars.scored,
            )
        for video in found.videos:
            if video.repeated:
                say(
                    f"{video.video}: {video.frames} frames are fewer than a stack needs; its last field of flow was "
                    f"repeated {video.repeated} times"
                )
        result_json(found) if self.json else result(_text(found))
        return INCOMPLETE if found.failed else DONE


def _text(found: Predictions) -> str:
    rows = []
    for video in found.videos:
        names = [video.video, *[""] * len(video.classes)]
        for name, of, probability in zip(names, video.classes, video.probabilities, strict=False):
            rows.append((name, of, f"{100 * probability:.1f} %"))
    lines = [columns(rows, right=[2])] if rows else []
    return "\n".join([*lines, *(f"failed: {reason}" for reason in found.failed.values())])
