"""`flowfeat segmentation show`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.visualization import check_picture_ending, save_picture
from segmentation.overlays.movie import write_shot_movie
from segmentation.overlays.result import shot_of_run
from segmentation.overlays.sheet import FRAMES, shots_sheet
from segmentation.overlays.shot import SegmentedShot
from segmentation.runs.layout import RunFolder, open_run

_MOVIE = ".mp4"
_SHEET = "sheet.png"


@dataclass(frozen=True)
class Show:
    """Draw a segmentation over its frames: tracks, masks, ground truth, errors; a movie of a shot or a sheet of many.

    flowfeat segmentation show RESULT --shot cars1 --out cars1.mp4

    flowfeat segmentation show RESULT --out sheet.png

    flowfeat segmentation show RESULT --out pictures
    """

    result: Positional[Path]
    """The folder that segmentation run wrote."""
    out: Path
    """An .mp4 for the movie of a shot, a .png or .jpg for a sheet with a row a shot, a folder for the sheet and all
    movies."""
    shot: str | None = None
    """The shot to show; needed for a movie where the result has several."""
    shots: tuple[str, ...] = ()
    """The shots of a sheet or a folder; all that are done if not given."""
    root: Path | None = None
    """The video, folder or data set with the frames, where they are no longer where they were."""
    frames: int | None = None
    """Of a sheet: how many frames of each shot, 3 if not given; annotated ones are taken first."""
    json: bool = False
    """Print what was drawn as JSON on standard output."""

    def run(self) -> int:
        if self.shot is not None and self.shots:
            raise InputError("--shot names one shot and --shots several; say one of them")
        ending = self.out.suffix.lower()
        into_folder = self.out.is_dir() or not ending
        if not into_folder and ending != _MOVIE:
            _check_ending(self.out)
        if ending == _MOVIE and not into_folder and self.frames is not None:
            raise InputError("--frames is of a sheet, and a movie has all frames; leave it out")
        run = open_run(self.result)
        names = self._names(run)
        if into_folder:
            drawn = self._folder(run, names)
        elif ending == _MOVIE:
            drawn = self._movie(run, names)
        else:
            drawn = {str(self.out): self._sheet(run, names, self.out)}
        if self.json:
            result_json({"out": str(self.out), "shots": names, "drawn": drawn})
        else:
            for path, count in drawn.items():
                result(f"{path}: {count} {'frames' if path.endswith(_MOVIE) else 'shots'} drawn")
        return DONE

    def _names(self, run: RunFolder) -> list[str]:
        named = [self.shot] if self.shot is not None else list(dict.fromkeys(self.shots))
        done = run.shots()
        if not done:
            raise InputError(f"{self.result}: no shot of this result is done; let the run come to its end")
        for name in named:
            run.record(name)  # its sentence, before hours of drawing
        return named or done

    def _folder(self, run: RunFolder, names: Sequence[str]) -> dict[str, int]:
        drawn = {str(self.out / _SHEET): self._sheet(run, names, self.out / _SHEET)}
        return {**drawn, **self._movies(run, {name: self.out / f"{name}{_MOVIE}" for name in names})}

    def _movie(self, run: RunFolder, names: Sequence[str]) -> dict[str, int]:
        if len(names) > 1:
            raise InputError(
                f"{self.out}: a movie is of one shot and there are {len(names)}; name it with --shot, or give a folder "
                "as --out for a movie of each"
            )
        return self._movies(run, {names[0]: self.out})

    def _movies(self, run: RunFolder, movies: Mapping[str, Path]) -> dict[str, int]:
        total, done, drawn = sum(run.record(name).frames for name in movies), 0, {}
        with CountBar("frames") as progress:
            for name, path in movies.items():
                shot = shot_of_run(run, name, self.root)
                count = write_shot_movie(shot, path, lambda frames, before=done: progress(before + frames, total))
                drawn[str(path)] = count
                done += count
        return drawn

    def _sheet(self, run: RunFolder, names: Sequence[str], path: Path) -> int:
        with CountBar("shots") as progress:

            def shots() -> Iterator[SegmentedShot]:
                for done, name in enumerate(names):
                    progress(done, len(names))
                    yield shot_of_run(run, name, self.root)
                progress(len(names), len(names))

            frames = FRAMES if self.frames is None else self.frames
            sheet = shots_sheet(shots(), self.result.absolute().name, frames)
        save_picture(path, sheet)
        return len(names)


def _check_ending(out: Path) -> None:
    try:
        check_picture_ending(out)
    except InputError:
        raise InputError(f"{out}: a movie is .mp4, a sheet is .png or .jpg, and a folder has no ending") from None
