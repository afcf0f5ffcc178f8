"""`Def.dat`: which regions the ground truth of a shot has, and which of its frames are annotated.

The format of FBMS-59 (Ochs, Malik, Brox, "Segmentation of Moving Objects by Long Term Video Analysis", PAMI 2014)
and of the Berkeley data set before it. Lines of text, most of them labels whose words nobody reads; blank lines count
for nothing. The matrix of penalties is there for history's sake: no evaluator uses it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import FormatError


@dataclass(frozen=True)
class Annotation:
    """One annotated frame.

    Attributes:
        frame: counted from 0, whatever number the files carry.
        truth: the name of the ground-truth picture, beside the definition.
        image: the name of the frame as the authors had it; the distributed file may have another ending.
    """

    frame: int
    truth: str
    image: str


@dataclass(frozen=True)
class Definition:
    """What a `Def.dat` says.

    Attributes:
        regions: the code of each region in the ground truth: the grey value in a `.pgm`,
            red * 65536 + green * 256 + blue in a `.ppm`. The first is the background.
        frames: of the shot.
        annotations: the annotated frames, in the order of the file.
    """

    regions: tuple[int, ...]
    frames: int
    annotations: tuple[Annotation, ...]


def read_definition(path: str | Path) -> Definition:
    """Read a `Def.dat`.

    Raises:
        FormatError: the file ends early or goes on, a number is none or negative, or two regions have one code.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    lines = _Lines(path)
    lines.skip("the title")
    count = lines.number("the number of regions", least=1)
    regions = tuple(lines.number(f"the code of region {region}") for region in range(count))
    lines.skip("the label of the penalties")
    for region in range(count):
        lines.skip(f"row {region} of the penalties")
    frames = lines.number("the number of frames", least=1)
    annotated = lines.number("the number of annotated frames")
    annotations = []
    for index in range(annotated):
        frame = lines.number(f"the frame of annotation {index}")
        truth, image = lines.text(f"the file of annotation {index}"), lines.text(f"the image of annotation {index}")
        annotations.append(Annotation(frame, truth, image))
    lines.end()
    if len(set(regions)) < count:
        raise FormatError(f"{path}: two of the {count} regions have the same code; each needs its own")
    return Definition(regions, frames, tuple(annotations))


class _Lines:
    """The lines of a definition that are not blank, each with its number, taken one after the other."""

    def __init__(self, path: Path):
        self._path = path
        text = path.read_bytes().decode("utf-8", "replace")
        split = enumerate(re.split(r"\r\n|\r|\n", text), start=1)
        self._left = iter([(number, line.strip()) for number, line in split if line.strip()])

    def skip(self, what: str) -> None:
        self._next(what)

    def number(self, what: str, least: int = 0) -> int:
        """The number behind a label."""
        self.skip(f"the label of {what}")
        line, text = self._next(what)
        # Numbers of more than nine digits are damage, and some would fit into no array.
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
            raise FormatError(
                f"{self._path}: line {line} should be {what}, a number from {least} upwards, and is {text[:40]!r}"
            )
        return int(text)

    def text(self, what: str) -> str:
        """The text behind a label."""
        self.skip(f"the label of {what}")
        return self._next(what)[1]

    def end(self) -> None:
        for line, text in self._left:
            raise FormatError(
                f"{self._path}: line {line} comes after the last annotated frame: {text[:40]!r}; is their number right?"
            )

    def _next(self, what: str) -> tuple[int, str]:
        for line in self._left:
            return line
        raise FormatError(f"{self._path}: cut short: {what} is missing; copy the file again")
