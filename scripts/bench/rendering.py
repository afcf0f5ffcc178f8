"""The renderer beside the networks that learn from it, on this machine: python scripts/bench/rendering.py

    python scripts/bench/rendering.py --out docs/records/rendering.json [--device cuda]

Batches of 8 pairs of 192x256: rendered in each setting, and learnt from by the thin FlowNet2-s, -c and -sd (forward,
loss and backward, as the trainer does it). All run in turn in one process; weights are random, which does not change
the time.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch
from measure import interleave, ratios, record, to_the_end, write_record

from flowfeat.networks import NUMERICS
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.zoo import FAMILY
from flowfeat.rendering import SETTINGS, Rendered, Renderer
from flowfeat.training.configuration import Loss
from flowfeat.training.objective import Objective

HEIGHT, WIDTH, PAIRS = 192, 256, 8
NETWORKS = ("flownet2-s", "flownet2-c", "flownet2-sd")


def rendering(setting: str, device: torch.device) -> Callable[[], Rendered]:
    """One batch after the other of a setting."""
    renderer, numbers = Renderer(SETTINGS[setting], HEIGHT, WIDTH, device=device, textures=64), count()
    return lambda: renderer.batch(next(numbers), PAIRS)


def learning(name: str, batch: Rendered, device: torch.device) -> Callable[[], object]:
    """What a training step costs before the optimiser's part of it."""
    torch.manual_seed(0)
    network = FlowNetwork(FAMILY[name], NUMERICS["nvidia"]).to(device).to(memory_format=torch.channels_last)
    objective, valid = Objective(network, Loss()), torch.ones_like(batch.occluded)

    def step() -> None:
        objective.zero_grad(set_to_none=True)
        objective(batch.frames, batch.flow, valid).backward()

    return step


@dataclass(frozen=True)
class Arguments:
    """Measure the renderer beside training steps and write the record."""

    out: Path
    """The record, JSON."""
    device: str = "cpu"
    """cpu or cuda."""
    repetitions: int = 9
    """Rounds in which each contestant is measured once."""


def main(arguments: Arguments) -> None:
    device = torch.device(arguments.device)
    calls = 1 if device.type == "cpu" else 20
    contestants = {setting: rendering(setting, device) for setting in SETTINGS}
    batch = contestants["medium"]()
    runs = {**contestants, **{name: learning(name, batch, device) for name in NETWORKS}}
    timed = {name: to_the_end(run, calls, device) for name, run in runs.items()}
    interleave(timed, 1)  # the first call pays for set-up
    seconds = interleave(timed, arguments.repetitions)
    settings = {"height": HEIGHT, "width": WIDTH, "batch": PAIRS, "threads": torch.get_num_threads()}
    results = {
        "device": device.type,
        "milliseconds_per_pair": {
            name: [1e3 * each / calls / PAIRS for each in times] for name, times in seconds.items()
        },
        "rendering_over_training": {
            f"{setting} / {name}": ratios(seconds[setting], seconds[name]) for setting in SETTINGS for name in NETWORKS
        },
    }
    write_record(arguments.out, record("rendering", [], {**settings, **results}))


if __name__ == "__main__":
    import tyro  # gpu.py needs the rest of this where there is none

    main(tyro.cli(Arguments))
    sys.exit()
