"""The operators and the fused networks beside what stock code does, on this machine: python scripts/bench/networks.py

    python scripts/bench/networks.py --out docs/records/networks.json [--device cuda]

- correlation of FlowNetC (256 channels at 1/8 of 256x320) over the sum over 441 shifted products
- warp of a frame of 256x320 over building the grid and calling `grid_sample`
- FlowNet2 and flownet2-thin on pairs of 256x320 over the same network written the stock way: the 441 shifts, warps by
  `grid_sample`, PyTorch's own layers, float32, the default memory format; ours in float32 and in what is faster here

Every contestant runs in turn in one process.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch
from drawn_networks import HEIGHT, WIDTH, conditions, drawn, drawn_frames, halves
from measure import interleave, ratios, record, to_the_end, write_record
from torch import Tensor
from torch.nn import functional

from flowfeat.estimators.precision import Precision
from flowfeat.ops import correlation, warp

Contestants = dict[str, Callable[[], object]]


def sum_over_shifts(
    first: Tensor, second: Tensor, max_displacement: int, displacement_stride: int = 1, stride: int = 1, patch: int = 1
) -> Tensor:
    """The correlation as pure-PyTorch ports write it: pad once, multiply and average once a displacement."""
    assert stride == patch == 1
    height, width = first.shape[2:]
    padded = functional.pad(second, [max_displacement] * 4)
    shifts = range(0, 2 * max_displacement + 1, displacement_stride)
    maps = [(first * padded[..., y : y + height, x : x + width]).mean(1) for y in shifts for x in shifts]
    return torch.stack(maps, 1)


def warp_by_grid_sample(image: Tensor, flow: Tensor, padding_mode: str) -> Tensor:
    """The warp as PyTorch code writes it: a grid of positions in [-1, 1], and `grid_sample`."""
    height, width = image.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device, dtype=flow.dtype),
        torch.arange(width, device=flow.device, dtype=flow.dtype),
        indexing="ij",
    )
    grid = torch.stack([2 * (x + flow[:, 0]) / (width - 1) - 1, 2 * (y + flow[:, 1]) / (height - 1) - 1], -1)
    return functional.grid_sample(image, grid, mode="bilinear", padding_mode=padding_mode, align_corners=True)


def operators(device: torch.device) -> dict[str, Contestants]:
    """The operators, ours and the peer's; both are checked against each other first."""
    draw = torch.Generator().manual_seed(0)
    first, second = (torch.randn(1, 256, HEIGHT // 8, WIDTH // 8, generator=draw).to(device) for _ in range(2))
    image = torch.rand(1, 3, HEIGHT, WIDTH, generator=draw).to(device)
    coarse = 5 * torch.randn(1, 2, HEIGHT // 32, WIDTH // 32, generator=draw)
    flow = functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bilinear").to(device)
    assert (correlation(first, second, 20, 2) - sum_over_shifts(first, second, 20, 2)).abs().max() < 1e-5
    inside = warp_by_grid_sample(image, flow, "border") - warp(image, flow, "clamp")
    assert inside.abs().max() < 1e-3
    return {
        "correlation": {
            "ours": lambda: correlation(first, second, 20, 2),
            "peer": lambda: sum_over_shifts(first, second, 20, 2),
        },
        "warp_clamp": {
            "ours": lambda: warp(image, flow, "clamp"),
            "peer": lambda: warp_by_grid_sample(image, flow, "border"),
        },
        "warp_zeros": {
            "ours": lambda: warp(image, flow, "zeros"),
            "peer": lambda: warp_by_grid_sample(image, flow, "zeros"),
        },
    }


def stock(name: str, device: torch.device) -> Callable[[Tensor], Tensor]:
    """A network written the stock way: frames (b, 2, 3, h, w) of uint8 to flow, in float32."""
    network = drawn(name, device, "float32").network.to(memory_format=torch.contiguous_format)

    def warp_of_stock(image: Tensor, flow: Tensor, border: str) -> Tensor:
        return warp_by_grid_sample(image, flow, {"clamp": "border", "zeros": "zeros"}[border])

    def run(frames: Tensor) -> Tensor:
        with (
            patch("flowfeat.networks.flownet_c.correlation", sum_over_shifts),
            patch("flowfeat.networks.stack.warp", warp_of_stock),
            patch("flowfeat.networks.flownet2.warp", warp_of_stock),
        ):
            return network(frames.float() / 255)

    return run


def beside_stock(name: str, device: torch.device, batch: int, precision: Precision) -> Contestants:
    """A network as the extractor runs it, and the stock way."""
    ours, theirs = drawn(name, device, precision), stock(name, device)
    frames = drawn_frames(batch, device)
    flow, wanted = ours(frames), theirs(frames)
    difference = (flow - wanted).norm(dim=1).mean() / wanted.norm(dim=1).mean()
    assert difference < {"float32": 1e-5, "float16": 0.02, "bfloat16": 0.1}[precision], f"flow differs by {difference}"
    return {"ours": lambda: ours(frames), "peer": lambda: theirs(frames)}


@dataclass(frozen=True)
class Arguments:
    """Measure the operators and the networks and write the record."""

    out: Path
    """The record, JSON."""
    device: str = "cpu"
    """cpu or cuda."""
    repetitions: int = 15
    """Rounds in which each contestant is measured once."""
    batch: int | None = None
    """Pairs at a time, of the networks; as many as threads if not given."""


def main(arguments: Arguments) -> None:
    device = torch.device(arguments.device)
    batch, calls = arguments.batch or torch.get_num_threads(), 1 if device.type == "cpu" else 20
    contests = {name: (pair, 20, 1) for name, pair in operators(device).items()}
    for name in ("flownet2", "flownet2-thin"):
        contests[name] = (beside_stock(name, device, batch, "float32"), calls, batch)
        for half in halves(device):
            contests[f"{name} {half}"] = (beside_stock(name, device, batch, half), calls, batch)
    results = {}
    for name, (contestants, calls, pairs) in contests.items():
        runs = {who: to_the_end(run, calls, device) for who, run in contestants.items()}
        interleave(runs, 1)  # the first call pays for set-up
        seconds = interleave(runs, arguments.repetitions)
        results[name] = {
            "time_over_peer": ratios(seconds["ours"], seconds["peer"]),
            "milliseconds": {who: [1e3 * each / calls / pairs for each in times] for who, times in seconds.items()},
        }
    write_record(arguments.out, record("networks", [], {**conditions(batch, device), "results": results}))


if __name__ == "__main__":
    import tyro  # gpu.py needs the rest of this where there is none

    with torch.inference_mode():
        main(tyro.cli(Arguments))
    sys.exit()
