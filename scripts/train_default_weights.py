"""The package's default weights, trained from nothing or further, stage after stage, as long as there is time.

    python scripts/train_default_weights.py --out runs/default --device cpu
    python scripts/train_default_weights.py --out runs/default --device cuda --minutes 9

Six stages, each a configuration of `flowfeat train`: c, cs, css, css-ft-sd, sd, fused. On a CPU they are those
called default-cpu-*, on pairs rendered once into OUT/pairs; on a GPU default-gpu-*, with pairs rendered there. Run it
again to go on: stages that are done stay, the one that was stopped goes on exactly. With --start each stage begins with
its part of those weights. In the end OUT/flownet2-thin.safetensors is what the package ships, in 8 bits. Exit status:
0 all done, 1 there is more to do, 2 wrong usage or unusable input.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from flowfeat.cli import DONE, INCOMPLETE, exit_status
from flowfeat.cli.output import result, say
from flowfeat.cli.progress import CountBar, TrainingBar
from flowfeat.estimators.protocol import resolve_device
from flowfeat.rendering import SETTINGS, PairSettings, Renderer, render_folder
from flowfeat.training import train
from flowfeat.training.rounding import rounded
from flowfeat.weights import read_checkpoint, write_checkpoint

STAGES: dict[str, tuple[str, ...]] = {
    "c": (),
    "cs": ("c",),
    "css": ("cs",),
    "css-ft-sd": ("css",),
    "sd": (),
    "fused": ("css-ft-sd", "sd"),
}
"""Each stage with those whose weights it starts from."""

PAIRS = {
    "medium": (7000, PairSettings("medium", 192, 256, seed=1)),
    "small": (5000, PairSettings("small", 192, 256, seed=2)),
    "video": (10000, PairSettings("video", 160, 192, seed=11)),
}
"""What a CPU trains on: how many pairs, and which."""


_SEEN, _UNSEEN = 6, 7
"""How many pairs of each setting the biases are corrected on after rounding, and the seed of these."""


@dataclass(frozen=True)
class TrainDefaultWeights:
    """Train flownet2-thin, stage after stage. Run it again to go on."""

    out: Path
    """The folder of all stages."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    minutes: float | None = None
    """Stop after so long; run again to go on."""
    start: Path | None = None
    """Weights of flownet2-thin to go on from, in place of beginning anew."""
    pairs: float = 1.0
    """On a CPU: so many times the usual number of rendered pairs."""

    def run(self) -> int:
        device = resolve_device(self.device)
        over = time.monotonic() + 60 * self.minutes if self.minutes else None
        data = {} if device.type == "cuda" else self._render()
        kind = "gpu" if device.type == "cuda" else "cpu"
        for stage, before in STAGES.items():
            left = (over - time.monotonic()) / 60 if over else None
            if left is not None and left <= 0:
                return self._unfinished(stage)
            starts = [*([self.start] if self.start else []), *(self.out / name / "best.safetensors" for name in before)]
            say(f"{stage}: default-{kind}-{stage}")
            with TrainingBar() as report:
                trained = train(
                    f"default-{kind}-{stage}", self.out / stage, data, starts, device, minutes=left, report=report
                )
            if trained.step < trained.configuration.schedule.iterations:
                return self._unfinished(stage)
        weights = self.out / "flownet2-thin.safetensors"
        trained = read_checkpoint(self.out / "fused" / "best.safetensors")
        seen = [Renderer(SETTINGS[name], 192, 256, seed=_UNSEEN).batch(0, _SEEN).frames for name in PAIRS]
        write_checkpoint(rounded(trained, torch.cat(seen)), weights, storage="int8")
        result(f"{weights}: {weights.stat().st_size / 1e6:.1f} MB")
        return DONE

    def _render(self) -> dict[str, Path]:
        folders = {}
        for name, (count, settings) in PAIRS.items():
            folders[name] = self.out / "pairs" / name
            with CountBar("pairs") as progress:
                render_folder(folders[name], settings, max(16, round(self.pairs * count)), "cpu", progress)
        return folders

    def _unfinished(self, stage: str) -> int:
        result(f"{self.out}: stopped in stage {stage}; run again to go on")
        return INCOMPLETE


def main() -> int:
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
    return exit_status("train_default_weights", lambda: tyro.cli(TrainDefaultWeights, config=config).run())


if __name__ == "__main__":
    sys.exit(main())
