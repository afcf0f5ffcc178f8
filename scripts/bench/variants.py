"""Every network of the family beside its floor and its rivals: python scripts/bench/variants.py

    python scripts/bench/variants.py --out docs/records/variants.json [--device cuda]

Pairs of 256x320, as many at a time as there are threads. Each contestant runs in turn in one process: the networks as
the extractor runs them, two of them also in what is faster here than float32, torchvision's RAFT, OpenCV's methods. The
floor is what the processor can do: operations over the rate of a large matrix product, or of a large convolution where
that is faster, in the same run. Weights of networks are random where the package has none: they change the flow and not
the time. Paper: Ilg et al. 2017, table 3 (milliseconds on a GTX 1080, from memory of the text).
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from drawn_networks import HEIGHT, WIDTH, conditions, drawn, drawn_frames, halves
from measure import interleave, ratios, record, to_the_end, write_record

from flowfeat.estimators import load_estimator
from flowfeat.estimators.precision import Precision
from flowfeat.networks.arithmetic import operations, parameters
from flowfeat.networks.packed import can_pack, pack
from flowfeat.networks.zoo import FAMILY

NETWORKS = (
    *("flownet2-s", "flownet2-c", "flownet2-sd", "flownet2-ss", "flownet2-cs", "flownet2-css-ft-sd", "flownet2-thin"),
    *("flownet2-S", "flownet2-C", "flownet2-SD", "flownet2-SS", "flownet2-CS", "flownet2-CSS-ft-sd", "flownet2"),
)
OPENCV = ("dis", "farneback", "tvl1", "deepflow", "pcaflow")
MATRIX = 2048
"""Side of the matrices whose product says how fast the machine multiplies."""
CHANNELS, SIDE = 512, 64
"""Of the convolution that says the same."""
FLOORS = {"matrix": 2 * MATRIX**3, "convolution": 2 * 9 * CHANNELS**2 * SIDE**2}
"""Operations of either."""

Run = Callable[[], object]


@dataclass(frozen=True)
class Arguments:
    """Measure all networks and their rivals, and write the record."""

    out: Path
    """The record, JSON."""
    device: str = "cpu"
    """cpu or cuda; OpenCV's methods run on the processor in any case."""
    repetitions: int = 7
    """Rounds in which each contestant is measured once."""
    batch: int | None = None
    """Pairs at a time; as many as threads if not given."""


def network(name: str, device: torch.device, batch: int, precision: Precision = "float32") -> Run:
    """A network of the family as the extractor runs it on this device."""
    estimator, frames = drawn(name, device, precision), drawn_frames(batch, device)
    return lambda: estimator(frames)


def raft(size: str, device: torch.device, batch: int) -> Run:
    """torchvision's RAFT with 12 updates."""
    from torchvision.models import optical_flow

    torch.manual_seed(0)
    builder = {"small": optical_flow.raft_small, "large": optical_flow.raft_large}[size]
    built = builder(weights=None).eval().to(device)
    frames = torch.rand(2, batch, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0)).to(device)
    return lambda: built(*frames, num_flow_updates=12)


def opencv(name: str, batch: int) -> Run:
    """One of OpenCV's, a pair a thread; frames that overlap, so that there is something to find."""
    estimator = load_estimator(name, device="cpu", threads=torch.get_num_threads())
    scene = torch.nn.functional.interpolate(
        torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(0)), (HEIGHT + 8, WIDTH + 8), mode="bicubic"
    )[0]
    scene = (255 * scene.clamp(0, 1)).byte()
    frames = torch.stack([scene[:, :HEIGHT, :WIDTH], scene[:, 3 : HEIGHT + 3, 5 : WIDTH + 5]])[None].expand(
        batch, -1, -1, -1, -1
    )
    return lambda: estimator(frames)


def matrix_product(device: torch.device) -> Run:
    """A large matrix product in float32."""
    left, right = (torch.rand(MATRIX, MATRIX, device=device) for _ in range(2))
    return lambda: left @ right


def convolution(device: torch.device) -> Run:
    """A large convolution in float32, with its weights laid out beforehand where the networks' are."""
    layer = torch.nn.Sequential(torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)).to(device)
    layer = layer.to(memory_format=torch.channels_last)
    if device.type == "cpu" and can_pack():
        layer = pack(layer)
    features = torch.rand(1, CHANNELS, SIDE, SIDE, device=device).contiguous(memory_format=torch.channels_last)
    return lambda: layer(features)


def main(arguments: Arguments) -> None:
    device = torch.device(arguments.device)
    batch = arguments.batch or torch.get_num_threads()
    runs = {name: network(name, device, batch) for name in NETWORKS}
    for half in halves(device):
        runs |= {f"{name} {half}": network(name, device, batch, half) for name in ("flownet2-thin", "flownet2")}
    runs |= {f"raft-{size}": raft(size, device, batch) for size in ("small", "large")}
    runs |= {name: opencv(name, batch) for name in OPENCV}
    runs |= {"matrix": matrix_product(device), "convolution": convolution(device)}
    calls = {name: 20 if device.type == "cuda" and name not in OPENCV else 1 for name in runs}
    ended = {name: to_the_end(run, calls[name], device) for name, run in runs.items()}
    interleave(ended, 1)  # the first call pays for set-up
    measured = interleave(ended, arguments.repetitions)
    pairs = {name: 1 if name in FLOORS else batch for name in runs}
    seconds = {name: [each / calls[name] / pairs[name] for each in times] for name, times in measured.items()}
    rates = {name: count / min(seconds[name]) for name, count in FLOORS.items()}
    rate = max(rates.values())
    results = {}
    for name in (each for each in runs if each not in FLOORS):
        result = {
            "milliseconds": [1e3 * each for each in seconds[name]],
            "time_over_flownet2": ratios(seconds[name], seconds["flownet2"]),
        }
        if name in FAMILY:
            count = operations(FAMILY[name], HEIGHT, WIDTH)
            floor = count / rate
            result |= {
                "parameters": parameters(FAMILY[name]),
                "gflop": count / 1e9,
                "share_of_rate": ratios([floor] * len(seconds[name]), seconds[name]),
            }
        results[name] = result
    at_best = {"gflop_per_second": {name: each / 1e9 for name, each in rates.items()}}
    write_record(arguments.out, record("variants", [], {**conditions(batch, device), **at_best, "results": results}))


if __name__ == "__main__":
    import tyro  # gpu.py needs the rest of this where there is none

    with torch.inference_mode():
        main(tyro.cli(Arguments))
    sys.exit()
