"""DAVIS, the Densely Annotated Video Segmentation data set, at 480p (Perazzi et al., CVPR 2016; Caelles et al., 2019).

    DAVIS/
        JPEGImages/480p/blackswan/00000.jpg ...
        Annotations/480p/blackswan/00000.png ...                # 2016 and semi-supervised: what is not 0 is the object
        Annotations_unsupervised/480p/blackswan/00000.png ...   # every salient object by its number, 255 is void
        ImageSets/2016/val.txt  ImageSets/2017/val.txt          # may be left out

https://davischallenge.org
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowfeat.datasets.layout import find_home, matches, subfolders
from flowfeat.errors import InputError
from segmentation.formats.label_map import LabelMaps, frame_name, open_label_maps

_TITLE = "DAVIS"
_FRAMES = "JPEGImages/480p"

VOID = 255
"""The label of `Annotations_unsupervised` for pixels that nobody could decide on."""


@dataclass(frozen=True)
class Annotations:
    """One of DAVIS's ground truths.

    Attributes:
        folder: below the root.
        lists: of its validation set, the first that is there counts.
    """

    folder: str
    lists: tuple[str, ...]


MERGED = Annotations("Annotations/480p", ("ImageSets/2016/val.txt", "ImageSets/480p/val.txt"))
"""Of DAVIS 2016, and of 2017's semi-supervised task: what is not 0 is the object."""

UNSUPERVISED = Annotations("Annotations_unsupervised/480p", ("ImageSets/2017/val.txt",))


@dataclass(frozen=True)
class Davis:
    """A copy of DAVIS.

    Attributes:
        home: the folder that holds `JPEGImages` and the annotations.
    """

    home: Path

    def filmed(self) -> list[str]:
        """The names of the sequences whose frames are there."""
        return subfolders(self.home / _FRAMES, _TITLE)

    def frames(self, sequence: str) -> list[Path]:
        """The pictures of a sequence in order. Raises InputError where there is none, or one in between is missing."""
        folder = self.home / _FRAMES / sequence
        names = _consecutive(folder, ".jpg", matches(folder, r"(\d{5})\.jpg", _TITLE))
        return [folder / f"{name}.jpg" for name in names]

    def annotated(self, annotations: Annotations) -> list[str]:
        """The names of the sequences that have masks."""
        return subfolders(self.home / annotations.folder, _TITLE)

    def validation(self, annotations: Annotations) -> list[str]:
        """The sequences that scores are reported on: the validation set, or all that have masks if no list is there.

        Raises InputError where there is none, or the list names a sequence without masks.
        """
        known = self.annotated(annotations)
        listed = next((path for name in annotations.lists if (path := self.home / name).is_file()), None)
        if listed is None:
            if not known:
                raise InputError(f"{self.home / annotations.folder}: there is no sequence here; unpack DAVIS again")
            return known
        # DAVIS 2016's list has a line for each frame, `/JPEGImages/480p/bear/00000.jpg /Annotations/...`.
        lines = [line.split()[0] for line in listed.read_text().splitlines() if line.strip()]
        names = list(dict.fromkeys(Path(line).parent.name if "/" in line else line for line in lines))
        lacking = [name for name in names if name not in known]
        if lacking or not names:
            raise InputError(
                f"{listed}: {len(lacking)} of the {len(names)} sequences in this list have no masks in "
                f"{annotations.folder}{f', {lacking[0]} first' if lacking else ''}; unpack DAVIS again, or say which "
                "sequences to take"
            )
        return names

    def masks(self, sequence: str, annotations: Annotations) -> LabelMaps:
        """The masks of a sequence, one for every frame.

        Raises:
            InputError: the sequence is not there, or a frame has no mask.
        """
        folder = self.home / annotations.folder / sequence
        if not folder.is_dir():
            raise InputError(
                f"{folder}: there is no such sequence; masks are here for {', '.join(self.annotated(annotations))}"
            )
        names = _consecutive(folder, ".png", matches(folder, r"(\d{5})\.png", _TITLE))
        if (self.home / _FRAMES / sequence).is_dir():
            filmed = [path.stem for path in self.frames(sequence)]
            if filmed != names:
                raise InputError(
                    f"{folder}: there are {len(names)} masks for {len(filmed)} frames in {_FRAMES}/{sequence}; "
                    "every frame of a sequence that is scored needs one, so unpack DAVIS again"
                )
        return open_label_maps(folder, names)


def open_davis(root: str | Path) -> Davis:
    """A copy of DAVIS: `root`, the folder above it or one within it.

    Raises InputError where neither frames nor masks are there.
    """
    inside = [_FRAMES, MERGED.folder, UNSUPERVISED.folder]
    return Davis(find_home(Path(root), _TITLE, inside, "give the folder that DAVIS-2017-trainval-480p.zip unpacks to"))


def scored_sequences(davis: Davis, annotations: Annotations, sequences: Sequence[str] | None) -> list[str]:
    """Those that were asked for, each once, or the validation set. Raises InputError where none was asked for."""
    if sequences is None:
        return davis.validation(annotations)
    if not sequences:
        raise InputError(f"{davis.home}: no sequence is left to be scored; name at least one")
    return list(dict.fromkeys(sequences))


def _consecutive(folder: Path, ending: str, names: set[str]) -> list[str]:
    """The names in order, which must be 00000, 00001 and so on."""
    if not names:
        raise InputError(
            f"{folder}: there is no file here that is named like {frame_name(0)}{ending}; unpack DAVIS again"
        )
    count = max(int(name) for name in names) + 1
    expected = [frame_name(index) for index in range(count)]
    missing = [name for name in expected if name not in names]
    if missing:
        raise InputError(
            f"{folder / missing[0]}{ending}: the frame is missing ({len(missing)} of {count} are); unpack DAVIS again"
        )
    return expected
