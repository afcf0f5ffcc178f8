"""A store's own files: `store.json`, its settings, and `runs/NNNN.json`, what each run planned and did."""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flowfeat.atomic import PARTIAL, write_atomically
from flowfeat.errors import StoreError
from flowfeat.store.settings import StoreSettings

_SETTINGS_FILE = "store.json"
_RUNS_FOLDER = "runs"


def settings_of_store(store: Path) -> StoreSettings | None:
    """The settings in a store's `store.json`; None where there is none. Raises StoreError where it is damaged."""
    path = store / _SETTINGS_FILE
    if not path.is_file():
        if store.exists() and not store.is_dir():
            raise StoreError(f"{store}: this is a file, and a store is a folder; give another --out")
        return None
    table = _read_json(path)
    try:
        settings = StoreSettings.from_json(table.get("settings"))
    except StoreError as fault:
        raise StoreError(f"{path}: {fault}") from None
    if table.get("fingerprint") != settings.fingerprint:
        raise StoreError(f"{path}: the settings do not match their own fingerprint; the file was changed by hand")
    return settings


def claim_store(store: Path, settings: StoreSettings) -> None:
    """Make the store's `store.json`, or agree with the one that is there. Raises StoreError where it differs.

    Of several processes that begin a store at the same moment exactly one writes the file; the others compare.
    """
    store.mkdir(parents=True, exist_ok=True)
    path = store / _SETTINGS_FILE
    if not path.exists():
        table = {"schema": 1, "settings": asdict(settings), "fingerprint": settings.fingerprint}
        partial = store / f"{_SETTINGS_FILE}.{secrets.token_hex(4)}"
        write_atomically(partial, _json_bytes(table))
        try:
            os.link(partial, path)  # unlike a rename, a link never replaces what another process wrote
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    found = settings_of_store(store)
    if found != settings:
        differences = found.differences(settings) if found else "unreadable"
        raise StoreError(f"{store}: this store was made with other settings ({differences}); give another --out")


def new_run_file(store: Path) -> Path:
    """A `runs/NNNN.json` that is now taken, the next free number."""
    folder = store / _RUNS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), default=0)
    while True:
        path = folder / f"{number:04d}.json"
        try:
            path.open("x").close()
            return path
        except FileExistsError:
            number += 1


def write_run(path: Path, record: dict[str, Any]) -> None:
    """Write a run's record, whole or not at all."""
    write_atomically(path, _json_bytes(record))


def runs_of_store(store: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The records of a store's runs, oldest first. Raises StoreError where one is damaged."""
    for path in sorted((store / _RUNS_FOLDER).glob("*.json")):
        if path.stat().st_size == 0:  # taken by a run that was killed before it wrote its plan
            continue
        record = _read_json(path)
        if not isinstance(record.get("planned"), list) or not isinstance(record.get("failed"), dict):
            raise StoreError(f"{path}: this is not the record of a run; remove it if it is not needed")
        yield path, record


def partial_files(store: Path) -> Iterator[Path]:
    """Files that a killed process left half-written; no reader ever takes them for clips."""
    for folder, _, names in os.walk(store):
        yield from (Path(folder) / name for name in names if name.endswith(PARTIAL))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as fault:
        raise StoreError(f"{path}: this is not JSON ({str(fault)[:80]})") from None
    if not isinstance(table, dict):
        raise StoreError(f"{path}: this is not a table of settings")
    return table


def _json_bytes(table: dict[str, Any]) -> bytes:
    return (json.dumps(table, indent=1, sort_keys=True) + "\n").encode()
