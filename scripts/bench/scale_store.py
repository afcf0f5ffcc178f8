"""How reading grows with the number of fields in a store, up to those of UCF101."""

import random
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from fresh_process import measured
from made_stores import write_made_store

from flowfeat.store import FlowStore
from flowfeat.store.verify import verify

HEIGHT, WIDTH = 48, 64
FIELDS, IN_A_CLASS = 184, 132
"""Of a clip and of a class, as in UCF101 on the average."""
STACKS, LENGTH = 2_000, 10


def measure_store(counts: tuple[int, ...]) -> dict[str, Any]:
    """For each number of clips, seconds and memory to list them, to read stacks at random, and to verify all."""
    return {
        "height": HEIGHT,
        "width": WIDTH,
        "fields": FIELDS,
        "stacks": STACKS,
        "length": LENGTH,
        "counts": {str(count): measure_count(count) for count in counts},
    }


def measure_count(count: int) -> dict[str, Any]:
    """The stages at one number of clips, each in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        write_fields(store, count)
        stages = {"stacks": measured(read_stacks, store), "verify": measured(verify_all, store)}
    if stages["verify"]["fields"] != count * FIELDS or not stages["verify"]["clean"]:
        raise RuntimeError(f"of {count} clips these were verified: {stages['verify']}")
    return stages


def read_stacks(store: Path) -> dict[str, Any]:
    """Open the store, list it, and read stacks at random places of random clips."""
    draw, begun = random.Random(0), time.perf_counter()
    opened = FlowStore(store)
    keys = list(opened)
    listing = time.perf_counter() - begun
    for _ in range(STACKS):
        opened[draw.choice(keys)].read(draw.randrange(FIELDS - LENGTH + 1), LENGTH)
    reading = time.perf_counter() - begun - listing
    return {"clips": len(keys), "listing_seconds": listing, "seconds_per_stack": reading / STACKS}


def verify_all(store: Path) -> dict[str, Any]:
    """Verify, every plane decoded."""
    found = verify(store)
    return {"fields": found.pairs, "clean": found.clean}


def write_fields(store: Path, count: int) -> None:
    """So many clips of smooth random flow."""
    flow = 5 * torch.randn(FIELDS, 2, HEIGHT // 8, WIDTH // 8, generator=torch.Generator().manual_seed(0))
    flow = torch.nn.functional.interpolate(flow, (HEIGHT, WIDTH), mode="bilinear")
    write_made_store(store, flow, ((f"class_{n // IN_A_CLASS:03d}/v_{n:05d}", None) for n in range(count)))
