"""Which clips a command is given: videos, folders of videos, folders of frames; each under one name."""

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import InputError
from flowfeat.video.readers import PICTURE_ENDINGS
from flowfeat.wording import counted

logger = logging.getLogger(__name__)

VIDEO_ENDINGS = (
    ".avi",
    ".mp4",
    ".mkv",
    ".mov",
    ".webm",
    ".mpg",
    ".mpeg",
    ".m4v",
    ".wmv",
    ".flv",
    ".3gp",
    ".ogv",
    ".ts",
)
_ANNOTATIONS = "GroundTruth"


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to read: its `key`, the path below its input folder without the ending, and where it lies.

    A data set's clips are all in memory at once, so each is two strings: a Path takes 0.3 KiB.
    """

    key: str
    location: str

    @property
    def path(self) -> Path:
        return Path(self.location)


def key_of(given: Path) -> str:
    """The key of a clip that is given by itself: the name of its file without the ending, or of its folder."""
    return given.resolve().name if given.is_dir() else given.stem


def find_clips(inputs: Iterable[Path]) -> list[Clip]:
    """The clips under `inputs`, sorted by key.

    A video file is a clip; a folder is searched for videos, and if it holds none, each folder in it that directly
    holds pictures is a clip of frames. The annotations of FBMS-59, folders called GroundTruth beside frames, are left
    out and told in the log. Raises InputError where an input holds no clip, cannot be read, or where two clips have
    one key.
    """
    clips: dict[str, Clip] = {}
    for given in inputs:
        for clip in _clips_in(Path(given)):
            try:
                clip.key.encode()
            except UnicodeEncodeError:
                raise InputError(f"{clip.key!r}: the name of this clip is not UTF-8; rename it") from None
            other = clips.get(clip.key)
            if other is not None and other != clip:
                raise InputError(
                    f"two clips have one name, {clip.key!r}: {other.location} and {clip.location}; "
                    "rename one, or give a folder above both"
                )
            clips[clip.key] = clip
    return sorted(clips.values(), key=lambda clip: clip.key)


def select_clips(clips: Sequence[Clip], listing: Path) -> list[Clip]:
    """The clips named in the text file `listing`, a name a line; UCF101's split lists are such files.

    A line is a key or else a unique stem, with or without the video's ending and a label behind a space. Raises
    InputError where a line names no clip, or more than one.
    """
    by_stem: dict[str, list[Clip]] = {}
    for clip in clips:
        by_stem.setdefault(Path(clip.key).name, []).append(clip)
    # A key is one clip's alone, so it stands before the stems that are spelled like it.
    by_name = by_stem | {clip.key: [clip] for clip in clips}
    try:
        # -sig: editors on Windows put a mark before the first line.
        lines = listing.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as fault:
        raise InputError(
            f"{listing}: this is not a text file of clip names (byte {fault.start} is not UTF-8)"
        ) from fault
    chosen: dict[str, Clip] = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        found = by_name.get(name) or by_name.get(_bare(name)) or by_name.get(_bare(name.rsplit(maxsplit=1)[0]))
        if not found:
            raise InputError(f"{listing}, line {number}: no clip of the inputs is called {name[:200]!r}")
        if len(found) > 1:
            raise InputError(f"{listing}, line {number}: {name!r} could be {' or '.join(c.key for c in found[:3])}")
        chosen[found[0].key] = found[0]
    return [chosen[key] for key in sorted(chosen)]


def _bare(name: str) -> str:
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - a key, not a file: Path would fold "a//b" and "./a"
    return stem if ending.lower() in VIDEO_ENDINGS else name


def _clips_in(given: Path) -> list[Clip]:
    if given.is_file():
        return [Clip(key_of(given), str(given))]
    if not given.is_dir():
        raise InputError(f"{given}: there is no such file or folder")
    videos: list[Clip] = []
    framed: list[Clip] = []
    annotations: list[Path] = []
    walked: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(given, onerror=_unreadable, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in walked:  # a link back up the tree
            folders.clear()
            continue
        walked.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(folder)
        below = here.relative_to(given)
        pictures = False
        for name in names:
            ending = Path(name).suffix.lower()
            if name.startswith("."):
                continue
            if ending in VIDEO_ENDINGS:
                videos.append(Clip((below / Path(name).stem).as_posix(), str(here / name)))
            pictures = pictures or ending in PICTURE_ENDINGS
        if pictures:
            key = below.as_posix() if here != given else key_of(given)
            framed.append(Clip(key, str(here)))
            if _ANNOTATIONS in folders:
                folders.remove(_ANNOTATIONS)
                annotations.append(here / _ANNOTATIONS)
    if annotations:
        found = counted(len(annotations), "folder")
        logger.warning("%s beside frames left out, as %s: annotations are no clips", found, annotations[0])
    if not videos and not framed:
        raise InputError(f"{given}: no video ({', '.join(VIDEO_ENDINGS[:4])}, ...) and no folder of frames is in it")
    return videos or framed


def _unreadable(fault: OSError) -> None:
    raise InputError(
        f"{fault.filename}: the folder cannot be read ({fault.strerror}); no clip was looked for"
    ) from fault
