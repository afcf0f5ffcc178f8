"""What storing weights in 8 bits costs: endpoint error of a data set with the weights as they are, and after int8.

    python scripts/bench/eight_bit.py last.safetensors --root middlebury --out docs/records/eight_bit.json
    python scripts/bench/eight_bit.py fused/best.safetensors --rounded flownet2-thin.safetensors --root middlebury

Both files are read as any command reads them. Errors are means over pairs of each pair's mean, in pixels.
"""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from measure import record, write_record
from tyro.conf import Positional

from flowfeat.datasets import FlowSample, open_dataset
from flowfeat.estimators import FlowEstimator, load_estimator
from flowfeat.weights import read_checkpoint, write_checkpoint


@dataclass(frozen=True)
class Arguments:
    """Measure the endpoint error before and after, print it, and write the record."""

    weights: Positional[Path]
    """A checkpoint, not yet in 8 bits."""
    root: Path
    """The data set's folder."""
    rounded: Path | None = None
    """The same weights in 8 bits; if not given, they are rounded here, without correcting biases."""
    dataset: str = "middlebury"
    """As `flowfeat benchmark` calls it."""
    model: str | None = None
    """A network within the checkpoint, in place of the whole."""
    split: str | None = None
    """Of the data set; by default the one that papers report."""
    pairs: int | None = None
    """Measure the first so many."""
    device: str = "auto"
    """cpu, cuda or auto."""
    out: Path | None = None
    """The record, JSON."""


def flow_of(estimator: FlowEstimator, sample: FlowSample) -> np.ndarray:
    """The flow of one pair, (2, h, w), in pixels."""
    return estimator(torch.from_numpy(sample.frames).permute(0, 3, 1, 2)[None])[0].cpu().numpy()


def mean_length(difference: np.ndarray, valid: np.ndarray) -> float:
    """Of vectors (2, h, w), where valid."""
    return float(np.hypot(*difference.astype(np.float64))[valid].mean())


def measure(before: FlowEstimator, after: FlowEstimator, samples: Sequence[FlowSample]) -> dict[str, Any]:
    """Endpoint errors of both, how far the flow moves, and how long it is, in pixels."""
    rows = []
    for sample in samples:
        assert sample.flow is not None, "this split has no flow"
        flows = flow_of(before, sample), flow_of(after, sample)
        everywhere = np.ones_like(sample.valid)
        rows.append(
            {
                "name": sample.name,
                "before": mean_length(flows[0] - sample.flow, sample.valid),
                "after": mean_length(flows[1] - sample.flow, sample.valid),
                "moved": mean_length(flows[1] - flows[0], everywhere),
                "length": mean_length(flows[0], everywhere),
            }
        )
        print("  ".join(f"{key} {value:.4f}" if key != "name" else f"{value:20}" for key, value in rows[-1].items()))
    means = {key: float(np.mean([row[key] for row in rows])) for key in ("before", "after", "moved", "length")}
    return {**means, "change": means["after"] / means["before"] - 1, "pairs": rows}


def main(arguments: Arguments) -> None:
    samples = open_dataset(arguments.dataset, arguments.root, arguments.split)[: arguments.pairs]
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.rounded or Path(folder) / "eight_bit.safetensors"
        if arguments.rounded is None:
            write_checkpoint(read_checkpoint(arguments.weights), path, "int8")
        before, after = (load_estimator(arguments.model, file, arguments.device) for file in (arguments.weights, path))
        size = path.stat().st_size
    errors = measure(before, after, samples)
    print(f"endpoint error {errors['before']:.4f} px, in 8 bits {errors['after']:.4f} px: {errors['change']:+.3%}")
    print(f"flow moves by {errors['moved']:.4f} px of {errors['length']:.4f} px; the file has {size:,} bytes")
    if arguments.out:
        facts = {
            "dataset": arguments.dataset,
            "model": before.description.model,
            "biases_corrected": arguments.rounded is not None,
            "weights_sha256": hashlib.sha256(arguments.weights.read_bytes()).hexdigest(),
            "bytes": size,
            "endpoint_error": errors,
        }
        write_record(arguments.out, record("eight_bit", [], facts))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
    sys.exit()
