"""`record.json`: what each part of an experiment was made of. A part stands exactly if it would be made of the same.

A file that merely exists proves nothing: it may be of other weights, other clips or another store. So the record holds
for each part the checksums of all it was made of, and that of what it became.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from flowfeat.typed_json import json_bytes, read_json
from recognition.fusion import FittedWeights
from recognition.two_stream.plan import TwoStreamOptions

SCHEMA = 1


@dataclass(frozen=True)
class Session:
    """One of the times that parts were made.

    Attributes:
        begun: when, in ISO format.
        options: what was asked for.
        device, processes, versions, machine: what it ran on.
    """

    begun: str
    options: TwoStreamOptions
    device: str
    processes: int
    versions: dict[str, str]
    machine: dict[str, str | int | None]


@dataclass(frozen=True)
class PartRecord:
    """How a part was made.

    Attributes:
        inputs: what decides it, by name, most of it as checksums.
        sha256: of the file that it is; of a run, of its last weights; of a folder, of all files in it.
        seconds: that it took; of a run, of its training steps in all sessions, without validation.
        session: its place in the record's sessions.
        fitted: weights of a fusion that were searched, and what they are worth on the clips they were searched on.
    """

    inputs: dict[str, str]
    sha256: str
    seconds: float
    session: int
    fitted: FittedWeights | None = None


@dataclass(frozen=True)
class Record:
    """All that the folder holds."""

    schema: int = SCHEMA
    sessions: tuple[Session, ...] = ()
    parts: dict[str, PartRecord] = field(default_factory=dict)


class ExperimentFolder:
    """The folder of an experiment and its record. Raises FormatError where the record is damaged."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self._record = read_json(self._file, Record, "record") if self._file.is_file() else Record()
        except FormatError as fault:
            raise FormatError(f"{fault}; remove it, and all but the runs is made again") from None

    @property
    def record(self) -> Record:
        """What is known of the parts."""
        return self._record

    def stands(self, part: str, inputs: Mapping[str, str], made: Path | None = None) -> bool:
        """Whether a part is there as it was made, and would be made of the same; `made` if it is another file or folder
        than the part is called after."""
        known = self._record.parts.get(part)
        return known is not None and known.inputs == inputs and checksum(made or self.path / part) == known.sha256

    def keep(
        self,
        part: str,
        made: Path,
        inputs: Mapping[str, str],
        seconds: float,
        session: Session,
        fitted: FittedWeights | None = None,
    ) -> None:
        """Record that a part was made, and is the file or folder `made`."""
        sessions = self._record.sessions
        if session not in sessions:
            sessions = (*sessions, session)
        told = PartRecord(dict(inputs), checksum(made) or "", round(seconds, 3), sessions.index(session), fitted)
        self._record = Record(SCHEMA, sessions, {**self._record.parts, part: told})
        write_atomically(self._file, json_bytes(self._record))

    @property
    def _file(self) -> Path:
        return self.path / "record.json"


def checksum(path: Path) -> str | None:
    """SHA-256 of a file, or of the names and contents of all files in a folder; None where there is none."""
    if path.is_dir():
        of_all = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            of_all.update(f"{file.relative_to(path).as_posix()}\n{checksum(file)}\n".encode())
        return of_all.hexdigest()
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
