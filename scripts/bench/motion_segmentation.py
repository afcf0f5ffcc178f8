"""Motion segmentation: how good it is on rendered scenes and real sequences, and how fast.

    python scripts/bench/motion_segmentation.py --data DIR --out docs/records/segmentation.json [--only synthetic speed]

- synthetic: every scene of `segmentation/synthetic.py` at 640x480 under seeds that no setting was chosen on
- real: FBMS's cars1, DAVIS's car-shadow, blackswan and libby, with the flow of several models
- speed: tracks at 4 px, costs and solver over 40 frames of 640x480, seconds and memory of a fresh process
- growth: the same over 10 to 200 frames
- dense: seconds a frame at 640x480 with 4 labels
- davis: scoring 100 frames of 480p with 5 objects
- solver: a contradictory graph of 100,000 nodes under a budget

Sections that are not asked for stay as the record has them. The script is not called as the package it measures, which
Python would then import it for.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import tyro
from measure import Measurement, measure_sections
from segmentation_quality import DEFAULT, measure_real, measure_synthetic
from segmentation_speed import measure_davis, measure_dense, measure_growth, measure_solver, measure_speed

Section = Literal["synthetic", "real", "speed", "growth", "dense", "davis", "solver"]
SECTIONS: tuple[Section, ...] = ("synthetic", "real", "speed", "growth", "dense", "davis", "solver")


@dataclass(frozen=True)
class Arguments:
    """Measure motion segmentation and write the record."""

    data: Path
    """The folder of research data that holds `FBMS` and `DAVIS`."""
    out: Path
    """The record, JSON."""
    only: tuple[Section, ...] = SECTIONS
    """Which sections to measure."""
    models: tuple[str, ...] = ("dis", DEFAULT)
    """Whose flow the real sequences are tracked with; `default` is the network that the package holds."""
    frames: int = 25
    """From the start of each real sequence; 0 for all."""
    every: int = 5
    """Which of the annotated frames of real sequences are made dense; 1 for all."""
    seeds: int = 3
    """How many each rendered scene is measured under."""
    repetitions: int = 3
    """Of what is timed."""
    budget: float = 60.0
    """Seconds that the solver gets for the contradictory graph."""
    threads: int = 2
    """That torch computes with."""


def main(arguments: Arguments) -> None:
    torch.set_num_threads(arguments.threads)
    every: dict[str, Measurement] = {
        "synthetic": lambda: measure_synthetic(arguments.seeds),
        "real": lambda: measure_real(arguments.data, arguments.models, arguments.frames or None, arguments.every),
        "speed": lambda: measure_speed(arguments.threads, arguments.repetitions),
        "growth": lambda: measure_growth(arguments.threads),
        "dense": lambda: measure_dense(arguments.data, arguments.repetitions),
        "davis": lambda: measure_davis(arguments.repetitions),
        "solver": lambda: measure_solver(arguments.budget),
    }
    sections = {name: (arguments.threads, measured) for name, measured in every.items()}
    measure_sections("segmentation", arguments.out, arguments.only, sections)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments)))
