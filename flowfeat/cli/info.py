"""`flowfeat info`: what a store, a stored clip, a video or a checkpoint is."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import result, result_json, size
from flowfeat.cli.weights import describe_checkpoint
from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore, StoredClip
from flowfeat.store.records import settings_of_store
from flowfeat.video import probe
from flowfeat.weights import holds_weights, read_checkpoint


@dataclass(frozen=True)
class Info:
    """Say what something is, without reading all of it.

    flowfeat info ucf101-flow
    """

    what: Positional[Path]
    """A store, a stored clip (.safetensors), a video, a folder of frames, or weights of a flow network."""
    json: bool = False
    """Print it as JSON on standard output."""

    def run(self) -> int:
        facts = _facts(self.what)
        if self.json:
            result_json(facts)
        else:
            result("\n".join(f"{name}: {_text(name, value)}" for name, value in facts.items() if value is not None))
        return DONE


def _facts(what: Path) -> dict[str, Any]:
    if what.is_dir() and (settings := settings_of_store(what)):
        return {
            "kind": "flow store",
            **_counts(FlowStore(what)),
            "fingerprint": settings.fingerprint,
            **asdict(settings),
        }
    if what.is_file() and holds_weights(what):
        return describe_checkpoint(read_checkpoint(what))
    if what.suffix == ".safetensors" and what.is_file():
        return {"kind": "stored clip", **json.loads(StoredClip(what).header.to_json())}
    if not what.exists():
        raise InputError(f"{what}: there is no such file or folder")
    return {"kind": "folder of frames" if what.is_dir() else "video", **asdict(probe(what))}


def _counts(store: FlowStore) -> dict[str, Any]:
    """The clips of a store, their pairs and bytes; those that cannot be opened apart, with the first one's fault."""
    pairs = size = damaged = 0
    fault = None
    for key in store:  # one open at a time: each is a mapping, and a process may have so many
        try:
            clip = store[key]
            pairs, size = pairs + clip.pairs, size + clip.path.stat().st_size
        except (StoreError, OSError) as why:
            damaged, fault = damaged + 1, fault or str(why)
    found = {"clips": len(store), "pairs": pairs, "bytes": size}
    return found | ({"damaged": damaged, "damaged_first": fault} if damaged else {})


def _text(name: str, value: Any) -> str:
    return (
        f"{value} ({size(value)})" if name == "bytes" else json.dumps(value) if isinstance(value, dict) else str(value)
    )
