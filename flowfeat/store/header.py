"""The header of a stored clip: everything needed to check the file without the code that made it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from flowfeat.errors import StoreError
from flowfeat.store.settings import StoreSettings

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class SourceFacts:
    """The clip the flow came from.

    `frames_decoded` is what was really decoded; `frames_declared` what the container says (None: nothing);
    `frames_invented` what the decoder would have repeated to reach its own promise, dropped here; `frame_gaps` how
    many numbers the names of a folder of frames skip.
    """

    name: str
    bytes: int
    sha256: str
    reader: str
    frames_decoded: int
    frames_declared: int | None
    frames_invented: int
    frame_gaps: int
    fps: float | None
    height: int
    width: int


@dataclass(frozen=True)
class ClipHeader:
    """The header of one clip's file.

    `height` and `width` are those of the stored flow, whose pixels its values are in. `clipped_share` is the share of
    pixels, over all stored fields, with a component beyond the bound; `max_displacement` and `mean_displacement` are
    of the flow before it was quantised. `payload_sha256` is of the file behind its safetensors header.
    """

    key: str
    settings: StoreSettings
    source: SourceFacts
    pairs: int
    height: int
    width: int
    clipped_share: float
    max_displacement: float
    mean_displacement: float
    payload_sha256: str
    flowfeat: str
    schema: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """One line of JSON with sorted keys; the fingerprint of the settings is written beside them."""
        return json.dumps({**asdict(self), "fingerprint": self.settings.fingerprint}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ClipHeader":
        """Parse what `to_json` wrote. Raises StoreError, without the file's name, where it is not that."""
        try:
            table: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError):
            raise StoreError("its header is not JSON") from None
        if not isinstance(table, dict):
            raise StoreError("its header is not a table")
        if table.get("schema") != SCHEMA_VERSION:
            raise StoreError(
                f"its header has schema {str(table.get('schema'))[:20]}, and this flowfeat reads {SCHEMA_VERSION}"
            )
        fingerprint = table.pop("fingerprint", None)
        source = table.get("source")
        if set(table) != set(cls.__dataclass_fields__) or not isinstance(source, dict):
            raise StoreError("its header lacks fields or has unknown ones")
        if set(source) != set(SourceFacts.__dataclass_fields__):
            raise StoreError("its header lacks fields of the source or has unknown ones")
        settings = StoreSettings.from_json(table["settings"])
        if settings.fingerprint != fingerprint:
            raise StoreError("its header's settings do not match their own fingerprint")
        _check_values({**table, **{f"source.{name}": value for name, value in source.items()}})
        return cls(**{**table, "settings": settings, "source": SourceFacts(**source)})


_WHOLE = ("pairs", "height", "width", "source.bytes", "source.frames_decoded", "source.frames_declared")
_WHOLE += ("source.frames_invented", "source.frame_gaps", "source.height", "source.width")
_REAL = ("clipped_share", "max_displacement", "mean_displacement", "source.fps")
_TEXT = ("key", "payload_sha256", "flowfeat", "source.name", "source.sha256", "source.reader")
_MAY_BE_UNKNOWN = ("source.frames_declared", "source.fps")


def _check_values(values: dict[str, Any]) -> None:
    """Raise StoreError where a header's values cannot be true."""
    for name, value in values.items():
        if value is None and name in _MAY_BE_UNKNOWN:
            continue
        if name in _WHOLE:
            right = type(value) is int and 0 <= value < 1 << 48
        elif name in _REAL:
            right = isinstance(value, int | float) and type(value) is not bool and 0 <= value < float("inf")
        else:
            right = name not in _TEXT or isinstance(value, str)
        if not right:
            raise StoreError(f"its header says {name} = {str(value)[:40]}")
