"""How good the default weights are, stage by stage: endpoint errors, UCF101's frames warped by the flow, still pairs.

    python scripts/bench/default_weights.py c=c.safetensors cs=cs.safetensors ... --flow DIR --clips UCF-101 \\
        --out docs/records/default_weights.json

Each stage is a checkpoint, or `model:NAME` for one that needs none; `dis`, `farneback` and `zero` are measured beside
them on the same pairs. Endpoint errors are those of `flowfeat benchmark`, in pixels. On clips, where nobody knows the
flow, the second frame is warped back by it and compared with the first: mean absolute difference of 0..255 over pixels
whose target lies inside the frame. A pair moves where DIS finds a mean displacement of 0.25 px or more.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from einops import rearrange
from measure import record, spread_clips, write_record
from tyro.conf import Positional

from flowfeat.benchmarks import benchmark
from flowfeat.estimators import FlowEstimator, load_estimator
from flowfeat.metrics import endpoint_error, length
from flowfeat.ops import warp
from flowfeat.rendering import SETTINGS, Renderer
from flowfeat.video import read_clip

MOVING = 0.25
"""Mean displacement in pixels, by DIS, from which on a pair of frames moves."""

BESIDE = ("dis", "farneback", "zero")
_RENDERED_PAIRS, _RENDERED_SEED = 24, 99


@dataclass(frozen=True)
class Arguments:
    """Measure stages of the default weights, print a table, and write the record."""

    stages: Positional[tuple[str, ...]]
    """NAME=FILE of each stage, or NAME=model:NAME of one that the package holds."""
    flow: Path
    """A folder with `middlebury` and `FlyingChairs_release`."""
    clips: Path
    """A folder of UCF101's clips."""
    count: int = 40
    """How many clips, spread over the classes."""
    pairs: int = 3
    """How many pairs of each clip, spread over it."""
    device: str = "auto"
    """cpu, cuda or auto."""
    out: Path | None = None
    """The record, JSON."""


def photometric_error(frames: torch.Tensor, flow: torch.Tensor) -> float:
    """Mean |first - second warped back by the flow| of a pair (2, 3, h, w) of 0..255, off what leaves the frame."""
    first, second = frames.float()
    height, width = first.shape[1:]
    x = torch.arange(width) + flow[0]
    y = torch.arange(height)[:, None] + flow[1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    difference = (first - warp(second[None], flow[None])[0]).abs().mean(0)
    return float(difference[inside].mean())


def measure_clips(estimators: Mapping[str, FlowEstimator], pairs: list[torch.Tensor]) -> dict[str, Any]:
    """Of each estimator: mean photometric error on pairs that move, and on how many of them it beats zero flow."""
    rows: list[dict[str, float]] = []
    moving = []
    for frames in pairs:
        flows = {name: estimator(frames[None])[0].cpu() for name, estimator in estimators.items()}
        rows.append({name: photometric_error(frames, flow) for name, flow in flows.items()})
        moving.append(float(length(flows["dis"]).mean()) >= MOVING)
    kept = [row for row, moves in zip(rows, moving, strict=True) if moves]
    means = {name: float(np.mean([row[name] for row in kept])) for name in estimators}
    return {
        "pairs": len(rows),
        "moving": len(kept),
        "error": means,
        "of_dis": {name: error / means["dis"] for name, error in means.items()},
        "better_than_zero": {
            name: sum(row[name] < row["zero"] for row in kept) / max(1, len(kept)) for name in estimators
        },
    }


def measure_still(estimators: Mapping[str, FlowEstimator], pairs: list[torch.Tensor]) -> dict[str, float]:
    """Mean length of the flow, in pixels, from each pair's first frame to itself."""
    lengths: dict[str, list[float]] = {name: [] for name in estimators}
    for frames in pairs:
        for name, estimator in estimators.items():
            flow = estimator(frames[:1].repeat(2, 1, 1, 1)[None])[0]
            lengths[name].append(float(length(flow).mean()))
    return {name: float(np.mean(values)) for name, values in lengths.items()}


def measure_rendered(estimators: Mapping[str, FlowEstimator], setting: str) -> dict[str, float]:
    """Endpoint error on pairs of the package's own renderer that nothing was trained on, in pixels."""
    rendered = Renderer(SETTINGS[setting], 192, 256, seed=_RENDERED_SEED).batch(0, _RENDERED_PAIRS)
    frames = (rendered.frames * 255).round().byte()
    errors: dict[str, float] = {}
    for name, estimator in estimators.items():
        flow = torch.cat([estimator(pair[None]).cpu() for pair in frames])
        errors[name] = float(endpoint_error(flow, rendered.flow).mean())
    return errors


def table(results: Mapping[str, Any]) -> str:
    """The figures of a record in Markdown, as the model card shows them."""
    errors = ("middlebury", "flyingchairs", "rendered_medium", "rendered_small", "rendered_video")
    clips, still = results["ucf101"], results["still"]
    heads = (
        *(f"{name.replace('_', ', ')} ({results[name]['pairs']})" for name in errors),
        f"UCF101, of DIS's photometric error ({clips['moving']})",
        "better than zero flow",
        f"still frames ({still['pairs']})",
    )
    lines = ["| " + " | ".join(("", *heads)) + " |", "| --- |" + " ---: |" * len(heads)]
    for name in still["length"]:
        cells = [f"{results[column]['error'][name]:.3f} px" for column in errors]
        cells += [f"{clips['of_dis'][name]:.3f}", f"{clips['better_than_zero'][name]:.1%}"]
        cells += [f"{still['length'][name]:.3f} px"]
        lines.append("| " + " | ".join((name, *cells)) + " |")
    return "\n".join(lines)


def main(arguments: Arguments) -> None:
    estimators: dict[str, FlowEstimator] = {}
    hashes = {}
    for stage in arguments.stages:
        name, _, given = stage.partition("=")
        if given.startswith("model:"):
            estimators[name] = load_estimator(given.removeprefix("model:"), None, arguments.device)
        else:
            estimators[name] = load_estimator(None, Path(given), arguments.device)
        hashes[name] = estimators[name].description.weights_sha256
    estimators |= {name: load_estimator(name, None, arguments.device) for name in BESIDE}
    results: dict[str, Any] = {"weights": hashes}
    for dataset, folder in (("middlebury", "middlebury"), ("flyingchairs", "FlyingChairs_release")):
        # One by one: css and css-ft-sd are one model to a record.
        found = {name: benchmark(dataset, arguments.flow / folder, [one]) for name, one in estimators.items()}
        results[dataset] = {
            "pairs": len(found["zero"].files),
            "error": {name: one.models[0].endpoint_error for name, one in found.items()},
        }
    for setting in ("medium", "small", "video"):
        results[f"rendered_{setting}"] = {
            "pairs": _RENDERED_PAIRS,
            "error": measure_rendered(estimators, setting),
        }
    clips = spread_clips(arguments.clips, arguments.count)
    pairs = []
    for clip in clips:
        frames = torch.from_numpy(rearrange(read_clip(clip.path).frames, "n h w c -> n c h w"))
        starts = np.linspace(0, len(frames) - 2, arguments.pairs + 2).astype(int)[1:-1]
        pairs += [frames[start : start + 2] for start in starts]
    results["ucf101"] = measure_clips(estimators, pairs)
    results["still"] = {"pairs": len(clips), "length": measure_still(estimators, pairs[:: arguments.pairs])}
    print(table(results))
    if arguments.out:
        write_record(arguments.out, record("default_weights", clips, results))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments)))
