"""What the clips of a data set are called."""

from collections import Counter
from collections.abc import Sequence


def unique_names(clips: Sequence[tuple[str, str]]) -> list[str]:
    """A name for each clip, given as its class and the stem of its file: the stem, behind the class where clips of
    several classes share it."""
    count = Counter(stem for _, stem in clips)
    return [stem if count[stem] == 1 else f"{name}/{stem}" for name, stem in clips]
