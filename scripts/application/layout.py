"""Where everything of an application table is.

OUT/
    index.html  table.md  table.csv  table.json  table.tex     the table
    pictures/                                                  that the page shows
    cells/METHOD/KIND.json                                     a record of each measurement
    checksums.json                                             of the data, so that it is read once
    work/METHOD/ucf101-SETTINGS/                               the store of UCF101's flow
    work/METHOD/actions-SETTINGS/                              training and tests of the temporal stream
    work/METHOD/fbms/  work/METHOD/davis/                      results of `flowfeat segmentation run`
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from application.results import Kind

OF_THE_STORE = ("method", "files", "resize", "encoding", "bound")
"""Names in `Cell.made_of` of what one store has in common."""


@dataclass(frozen=True)
class Layout:
    """The folder of a table. Nothing is read or made here."""

    home: Path

    def cell(self, method: str, kind: Kind) -> Path:
        """The record of a measurement."""
        return self.home / "cells" / folder_name(method) / f"{kind}.json"

    def store(self, method: str, decided_by: Mapping[str, str]) -> Path:
        """The store of UCF101's flow. Other settings have another one; other clips have not: a store can grow."""
        return self._work(method) / f"ucf101-{_digest({name: decided_by.get(name) for name in OF_THE_STORE})}"

    def actions(self, method: str, decided_by: Mapping[str, str]) -> Path:
        """The experiment of `recognition.two_stream.conduct`; whatever decides it has an experiment of its own."""
        return self._work(method) / f"actions-{_digest(decided_by)}"

    def segments(self, method: str, kind: Kind) -> Path:
        """The results of `segmentation.runs.run`, for `fbms` and `davis`."""
        return self._work(method) / kind

    @property
    def checksums(self) -> Path:
        """What is known of the files of the data."""
        return self.home / "checksums.json"

    @property
    def pictures(self) -> Path:
        """What the page shows, as files."""
        return self.home / "pictures"

    def _work(self, method: str) -> Path:
        return self.home / "work" / folder_name(method)


def folder_name(method: str) -> str:
    """A name for a folder: the method's own where it is a plain one, otherwise one that no other method has, not even
    where the case of letters does not count.

    >>> folder_name("flownet2-thin")
    'flownet2-thin'
    >>> folder_name("files:/data/my flow")
    'files-data-my-flow-736a399f'
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]*(\+v)?", method):
        return method
    plain = re.sub(r"[^A-Za-z0-9]+", "-", method).strip("-")[-40:]
    return f"{plain or 'model'}-{hashlib.sha256(method.encode()).hexdigest()[:8]}"


def _digest(decided_by: Mapping[str, str | None]) -> str:
    return hashlib.sha256(json.dumps(dict(decided_by), sort_keys=True).encode()).hexdigest()[:8]
