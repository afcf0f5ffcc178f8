"""What every layout on disk needs: the folder it begins in, the names in a folder, the pairs that are all there."""

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from flowfeat.datasets.sample import FlowDataset, PairFiles
from flowfeat.errors import InputError


def find_home(root: Path, title: str, inside: Sequence[str], advice: str) -> Path:
    """The folder that holds any of `inside`: `root` itself, the one folder in it that does, or the folder above.

    Args:
        root: what the user gave.
        title: the data set, for messages.
        inside: paths below the wanted folder, `*` allowed in names, as `training/clean`.
        advice: what to do where it is not found, for the end of the message.

    Raises:
        InputError: it is nowhere there, or in more than one folder.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; give the one that holds {title}")

    def fits(folder: Path) -> bool:
        return any(next(folder.glob(pattern), None) is not None for pattern in inside)

    if fits(root):
        return root
    below = [child for child in subfolders(root, title) if fits(root / child)]
    if len(below) > 1:
        raise InputError(f"{root}: {title} is in {' and in '.join(below)}; give one of these folders")
    if below:
        return root / below[0]
    above = root.absolute().parent
    if fits(above):
        return above
    raise InputError(
        f"{root}: {title} is neither here nor one folder further down or up, where {' or '.join(inside)} was looked "
        f"for; {advice}"
    )


def check_choice(title: str, what: str, given: str, choices: Sequence[str]) -> None:
    """Raise InputError where `given` is none of `choices`."""
    if given not in choices:
        raise InputError(f"{title} has no {what} {given!r}; say {' or '.join(choices)}")


def subfolders(folder: Path, title: str) -> list[str]:
    """The names of the folders in `folder`, sorted, hidden ones left out. Raises InputError where it is not there."""
    with os.scandir(_present(folder, title)) as entries:  # knows what is a folder without asking for each
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def matches(folder: Path, pattern: str, title: str) -> set[str]:
    """Group 1 of the regular expression `pattern` in each name in `folder` that it matches whole.

    Raises InputError where the folder is not there.
    """
    found = (re.fullmatch(pattern, path.name) for path in _present(folder, title).iterdir())
    return {match[1] for match in found if match}


def numbers(folder: Path, pattern: str, title: str) -> set[int]:
    """`matches` as numbers."""
    return {int(text) for text in matches(folder, pattern, title)}


def first_frames(folder: Path, frames: Collection[int], flows: Collection[int], *, spare: bool) -> range:
    """The number of each pair's first frame in a sequence, gaps included, so that what lies in a gap is missed.

    Args:
        folder: where the frames are, for the message.
        frames, flows: the numbers there are.
        spare: the last frame has flow too, towards a frame that was never published.

    Raises InputError where there is no pair.
    """
    seen = {*frames, *flows} if spare else {*frames, *(number + 1 for number in flows), *flows}
    if len(seen) < 2:
        raise InputError(f"{folder}: a sequence needs two frames and has {len(frames)}; unpack it again")
    return range(min(seen), max(seen))


def complete(title: str, pairs: Sequence[PairFiles]) -> FlowDataset:
    """The data set of these pairs. Raises InputError where a file of one is missing, or where there is no pair."""
    if not pairs:
        raise InputError(f"{title}: no pair of frames was found; unpack it again")
    # One listing a folder: to ask for each of 70,000 files takes minutes on a network drive.
    listings: dict[Path, set[str]] = {}

    def missing(pair: PairFiles) -> Path | None:
        for path in pair.paths:
            folder = path.parent
            if folder not in listings:
                listings[folder] = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
            if path.name not in listings[folder]:
                return path
        return None

    lacking = [(path, pair.name) for pair in pairs if (path := missing(pair)) is not None]
    if lacking:
        path, name = lacking[0]
        raise InputError(
            f"{path}: the file is missing, so the pair {name} of {title} is incomplete ({len(lacking)} of "
            f"{len(pairs)} pairs are); unpack it again"
        )
    return FlowDataset(title, pairs)


def _present(folder: Path, title: str) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder and {title} should have it; unpack its archive there")
    return folder
