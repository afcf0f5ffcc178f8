"""What there is to segment: the shots of a video, a folder of frames, a folder of either, or a data set."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import ClipError, InputError
from flowfeat.store import FlowStore
from flowfeat.video import Clip, ClipDecoder, find_clips, probe
from flowfeat.video.readers import frame_files, frames_of
from segmentation.davis import MERGED, UNSUPERVISED, open_davis
from segmentation.fbms import is_fbms, shot_folders
from segmentation.formats import read_definition
from segmentation.runs.record import InputKind

_DAVIS_FRAMES = "JPEGImages/480p"


@dataclass(frozen=True)
class InputShot:
    """A shot to segment.

    Attributes:
        name: of its results, one path component.
        key: its name for `files:DIR`.
        path: the video, or the folder of its frames.
        definition: the `Def.dat` of FBMS-59 where there is one.
        masks: the folders that ground truth of every frame may be in, as DAVIS has it.
    """

    name: str
    key: str
    path: Path
    definition: Path | None = None
    masks: tuple[Path, ...] = ()

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """The frames, RGB, as they are asked for; a video is decoded in a process of its own.

        Raises:
            InputError: a frame is missing, or the clip cannot be read to its end.
        """
        self.check()
        if self.path.is_dir():
            yield from frames_of(self.path, probe(self.path))
            return
        with ClipDecoder() as decoder:
            for chunk in decoder.open(self.path):
                yield from chunk

    def check(self) -> None:
        """Raises InputError where a frame is seen to be missing, so that points would jump over the gap."""
        if not self.path.is_dir():
            return
        files = frame_files(self.path)
        if self.definition is not None:
            frames = read_definition(self.definition).frames
            if len(files) != frames:
                raise InputError(
                    f"{self.path}: there are {len(files)} frames, and {self.definition.name} says {frames}; copy the "
                    "shot again"
                )
            return
        missing = _first_gap(files)
        if missing is not None:
            raise InputError(
                f"{self.path}: a frame is missing between {missing[0].name} and {missing[1].name}; points cannot be "
                "followed over the gap, so complete the frames or give the parts as folders of their own"
            )

    def expected_frames(self) -> int | None:
        """How many frames the folder has, or the video says it has; None where it says nothing."""
        try:
            return len(frame_files(self.path)) if self.path.is_dir() else probe(self.path).declared_frames
        except (ClipError, OSError):
            return None  # it is told when the shot is read

    def annotated(self) -> tuple[int, ...]:
        """The frames with ground truth. Raises InputError where there is none."""
        if self.definition is not None:
            definition = read_definition(self.definition)
            beyond = [one.frame for one in definition.annotations if one.frame >= definition.frames]
            if beyond:
                raise InputError(
                    f"{self.definition}: frame {beyond[0]} is annotated and the shot has {definition.frames} frames; "
                    "copy the file again"
                )
            return tuple(sorted({annotation.frame for annotation in definition.annotations}))
        for folder in self.masks:
            names = sorted(path.stem for path in folder.glob("*.png")) if folder.is_dir() else []
            if names:
                return tuple(int(name) for name in names if name.isdigit())
        raise InputError(
            f"{self.path}: no frame has ground truth, so there is none to make masks for; say --frames all"
        )


@dataclass(frozen=True)
class RunInput:
    """All shots of an input, in order.

    Attributes:
        path: what was given.
        kind: what it is.
    """

    path: Path
    kind: InputKind
    shots: tuple[InputShot, ...]

    def select(self, names: Sequence[str]) -> "RunInput":
        """Only these shots; all of them without a name. Raises InputError where one is not there."""
        known = {shot.name: shot for shot in self.shots}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(
                f"{self.path}: there is no shot {unknown[0]!r} in it; it has {', '.join(list(known)[:10])}"
                f"{f' and {len(known) - 10} more' if len(known) > 10 else ''}"
            )
        return RunInput(self.path, self.kind, tuple(known[name] for name in dict.fromkeys(names))) if names else self


def find_shots(path: Path) -> RunInput:
    """The shots of an input.

    Args:
        path: a video, a folder of frames, a folder of videos or of folders of frames, FBMS-59 or one of its splits,
            or DAVIS.

    Raises:
        InputError: nothing is there, or two shots would have one name.
    """
    if path.is_dir() and is_fbms(path):
        shots = [_fbms_shot(folder) for folder in shot_folders(path).values()]
        if not shots:
            raise InputError(f"{path}: there is no shot in it; unpack FBMS-59 again")
        return RunInput(path, "fbms", tuple(shots))
    if (path / _DAVIS_FRAMES).is_dir():
        return RunInput(path, "davis", _davis_shots(path))
    if path.is_dir() and frame_files(path):
        return RunInput(path, "frames", (_fbms_shot(path.absolute()),))
    clips = find_clips([path])
    if path.is_dir():
        return RunInput(path, "folder", _named(clips))
    return RunInput(path, "video", _named(clips))


def key_in_store(store: FlowStore, shot: InputShot) -> str:
    """The shot's key in a store of flow, whichever folder above it the flow was extracted from.

    Raises InputError where it is not there, or could be several.
    """
    keys = set(store)
    parts = shot.path.absolute().with_suffix("").parts if shot.path.is_file() else shot.path.absolute().parts
    # The longest is the surest: `Testset/cars1` is the shot, `cars1` could be anyone's.
    for count in range(len(parts) - 1, 0, -1):
        key = "/".join(parts[-count:])
        if key in keys:
            return key
    found = [key for key in keys if key.rsplit("/", 1)[-1] == shot.name]
    if len(found) != 1:
        told = f"{len(found)} clips called so: {', '.join(sorted(found)[:3])}" if found else "no clip called so"
        raise InputError(f"{store.path}: the flow of {shot.name!r} was asked for, and it holds {told}")
    return found[0]


def _fbms_shot(folder: Path) -> InputShot:
    """A folder of frames, with its ground truth where it is laid out as FBMS-59 has it."""
    definition = folder / "GroundTruth" / f"{folder.name}Def.dat"
    return InputShot(folder.name, folder.name, folder, definition if definition.is_file() else None)


def _davis_shots(root: Path) -> tuple[InputShot, ...]:
    davis = open_davis(root)
    names = davis.filmed()
    if not names:
        raise InputError(f"{root / _DAVIS_FRAMES}: there is no sequence here; unpack DAVIS again")
    return tuple(
        InputShot(
            name,
            name,
            davis.home / _DAVIS_FRAMES / name,
            masks=tuple(davis.home / truth.folder / name for truth in (UNSUPERVISED, MERGED)),
        )
        for name in names
    )


def _named(clips: Sequence[Clip]) -> tuple[InputShot, ...]:
    shots: dict[str, InputShot] = {}
    for clip in clips:
        name = clip.key.rsplit("/", 1)[-1]
        if name in shots:
            raise InputError(
                f"two shots have one name, {name!r}: {shots[name].path} and {clip.path}; results are named after "
                "them, so rename one, or give their folders one by one"
            )
        shots[name] = InputShot(name, clip.key, clip.path)
    return tuple(shots.values())


def _first_gap(files: Sequence[Path]) -> tuple[Path, Path] | None:
    """The files around the first number that is missing; None where they are not numbered one after the other."""
    numbers = [int(found[-1]) if (found := re.findall(r"\d+", file.stem)) else None for file in files]
    steps = [b - a if a is not None and b is not None else 0 for a, b in pairwise(numbers)]
    if not steps or min(steps) < 1:
        return None
    # Every second or tenth frame is a shot too.
    usual = max(set(steps), key=lambda step: (steps.count(step), -step))
    return next(((a, b) for (a, b), step in zip(pairwise(files), steps, strict=True) if step > usual), None)
