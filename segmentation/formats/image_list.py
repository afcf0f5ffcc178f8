"""`.bmf`: the list of a shot's frames, as the tools of the Freiburg group read it.

The first line is the number of images and a 1, then comes one file name on each line.
"""

import re
from pathlib import Path

from flowfeat.errors import FormatError, InputError
from flowfeat.video.readers import PICTURE_ENDINGS


def read_image_list(path: str | Path) -> tuple[str, ...]:
    """The file names in a `.bmf`, as they are written there.

    Raises:
        FormatError: the first line is no number of images, or other than the number of names.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    text = path.read_bytes().decode("utf-8", "replace")
    first, *rest = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    if not (head := re.fullmatch(r"([0-9]{1,9})\s+1", first)):
        raise FormatError(f"{path}: the first line should be the number of images and a 1, and is {first[:40]!r}")
    names = tuple(name for name in rest if name)
    if len(names) != int(head[1]):
        raise FormatError(f"{path}: its first line promises {int(head[1])} images and {len(names)} are named")
    return names


def listed_images(path: str | Path) -> list[Path]:
    """The pictures that a `.bmf` names, beside it; with another ending where the one named is not there.

    Some lists of FBMS-59 say `.ppm` where `.jpg` was distributed.

    Raises:
        FormatError: as `read_image_list`.
        InputError: a picture is not there with any ending.
        OSError: the list is missing or cannot be read.
    """
    path = Path(path)
    return [_present(path, path.parent / name) for name in read_image_list(path)]


def _present(listing: Path, image: Path) -> Path:
    for candidate in (image, *(image.with_suffix(ending) for ending in PICTURE_ENDINGS)):
        if candidate.is_file():
            return candidate
    raise InputError(f"{image}: {listing} names it and it is not there, with no ending; copy the frames of the shot")
