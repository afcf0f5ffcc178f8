"""How extraction grows, and that it survives: python scripts/bench/scale.py --out docs/records/scale.json

    python scripts/bench/scale.py --out docs/records/scale.json --only clips --clips 1000 10000

- clips: folders of 1,000 to 100,000 clips planned, resumed and verified
- store: stores of 100 clips and of as many fields as UCF101 has, read at random and verified
- length: clips of 1 to 60 minutes extracted
- resolution: flow from 320x240 to 4K, and batches of 1 to 16
- kills: an extraction killed 100 times at random

Every measurement has a process of its own. Sections that are not asked for stay as the record has them.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from kills import measure_kills
from measure import measure_sections
from scale_clips import measure_clips
from scale_length import measure_length
from scale_resolution import measure_resolution
from scale_store import measure_store

Section = Literal["clips", "store", "length", "resolution", "kills"]
SECTIONS: tuple[Section, ...] = ("clips", "store", "length", "resolution", "kills")


@dataclass(frozen=True)
class Arguments:
    """Measure how extraction grows and write the record."""

    out: Path
    """The record, JSON."""
    only: tuple[Section, ...] = SECTIONS
    """Which sections to measure."""
    clips: tuple[int, ...] = (1_000, 10_000, 100_000)
    """Numbers of clips; each is more than 100."""
    stored: tuple[int, ...] = (100, 13_320)
    """Numbers of clips of the stores that are read; each has 184 fields."""
    minutes: tuple[int, ...] = (1, 10, 60)
    """Lengths of the clips that are extracted with `zero`."""
    minutes_of_flow: tuple[int, ...] = (1, 10)
    """Lengths of the clips that are extracted with `dis`."""
    kills: int = 100
    """How many runs are killed."""
    threads: int = 2
    """That flow is computed with where the resolution changes."""


def main(arguments: Arguments) -> None:
    threads = os.cpu_count() or 1
    sections = {
        "clips": (threads, lambda: measure_clips(arguments.clips)),
        "store": (threads, lambda: measure_store(arguments.stored)),
        "length": (threads, lambda: measure_length(arguments.minutes, arguments.minutes_of_flow)),
        "resolution": (arguments.threads, lambda: measure_resolution(arguments.threads)),
        "kills": (threads, lambda: measure_kills(arguments.kills)),
    }
    measure_sections("scale", arguments.out, arguments.only, sections)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments)))
