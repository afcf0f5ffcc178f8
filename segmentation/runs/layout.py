"""Where everything is in a folder of results.

RESULT/run.json                        the record of the run
RESULT/shots.csv                       a row a shot
RESULT/shots/SHOT.json                 the record of a shot, written last: where it stands, the shot is done
RESULT/tracks/SHOT/tracks.dat          its tracks labelled by object, as MoSegEval reads them
RESULT/clusters/SHOT/tracks.dat        the same labelled by cluster, before anything is background or one object
RESULT/tracks/SHOT/tracks.safetensors  all that is known of its tracks
RESULT/masks/SHOT/00000.png            its label maps, 0 the background
RESULT/pictures/SHOT.png               where its tracks are, and where and why they end
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import InputError
from flowfeat.typed_json import read_json
from segmentation.runs.record import SCHEMA, RunRecord, ShotRecord
from segmentation.runs.stored_tracks import StoredTracks, read_stored_tracks


@dataclass(frozen=True)
class RunFolder:
    """A folder of results, `home`. Nothing is read before it is asked for."""

    home: Path

    @property
    def run_file(self) -> Path:
        return self.home / "run.json"

    @property
    def table_file(self) -> Path:
        return self.home / "shots.csv"

    def shots(self) -> list[str]:
        """The names of the shots that are done, sorted."""
        return sorted(path.stem for path in (self.home / "shots").glob("*.json") if not path.name.startswith("."))

    def record_file(self, shot: str) -> Path:
        return self.home / "shots" / f"{shot}.json"

    def tracks_folder(self, shot: str) -> Path:
        return self.home / "tracks" / shot

    def tracks_file(self, shot: str) -> Path:
        """Tracks labelled by object as MoSegEval reads them; where the shot was only tracked, all are of one."""
        return self.tracks_folder(shot) / "tracks.dat"

    def clusters_folder(self, shot: str) -> Path:
        """It is not there where the shot was only tracked."""
        return self.home / "clusters" / shot

    def clusters_file(self, shot: str) -> Path:
        """Tracks labelled by cluster: what multicut or spectral clustering gave."""
        return self.clusters_folder(shot) / "tracks.dat"

    def stored_tracks_file(self, shot: str) -> Path:
        return self.tracks_folder(shot) / "tracks.safetensors"

    def mask_folder(self, shot: str) -> Path:
        """The label maps; it is not there where none were asked for."""
        return self.home / "masks" / shot

    def picture(self, shot: str) -> Path:
        return self.home / "pictures" / f"{shot}.png"

    def run_record(self) -> RunRecord:
        """Raises InputError where there is none, or it is damaged or of another version."""
        record = read_json(self.run_file, RunRecord, "record of the run")
        _check_schema(self.run_file, record.schema)
        return record

    def record(self, shot: str) -> ShotRecord:
        """Raises InputError where the shot is not done, or its record is damaged or of another version."""
        path = self.record_file(shot)
        if not path.is_file():
            done = self.shots()
            told = f"it has {', '.join(done[:10])}{', ...' if len(done) > 10 else ''}" if done else "no shot is done"
            raise InputError(f"{self.home}: there is no shot {shot!r} in this result; {told}")
        record = read_json(path, ShotRecord, "record of the shot")
        _check_schema(path, record.schema)
        return record

    def stored_tracks(self, shot: str) -> StoredTracks:
        """Raises InputError where the shot is not done, or its tracks are not those that were written."""
        record, path = self.record(shot), self.stored_tracks_file(shot)
        found = read_stored_tracks(path)
        if file_sha256(path) != record.tracks_sha256:
            raise InputError(f"{path}: this file of tracks is damaged (its checksum differs); track the shot again")
        return found


def open_run(path: str | Path) -> RunFolder:
    """The results in a folder. Raises InputError where it has none."""
    folder = RunFolder(Path(path))
    if not folder.run_file.is_file():
        what = "there is no such folder" if not folder.home.is_dir() else "it has no run.json"
        raise InputError(
            f"{path}: this is no result of `flowfeat segmentation run` or `track` ({what}); give the folder that was "
            "its --out"
        )
    folder.run_record()
    return folder


def file_sha256(path: Path) -> str:
    """Of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_schema(path: Path, schema: int) -> None:
    if schema != SCHEMA:
        raise InputError(f"{path}: its schema is {schema}, and this version reads {SCHEMA}; make the result again")
