"""`flowfeat train`: a network from a configuration."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import result, result_json
from flowfeat.cli.progress import TrainingBar
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.training import train
from flowfeat.training.distributed import is_first


@dataclass(frozen=True)
class Train:
    """Train a network as CONFIG says: a .toml file, or the name of one of the package's. Run again to go on.

    flowfeat train default-gpu-c --out runs/c --device cuda

    flowfeat train flownet2-C-chairs-long --data flyingchairs=FlyingChairs_release --out runs/C

    torchrun --nproc-per-node 4 -m flowfeat train flownet2-C-chairs-long --data flyingchairs=DIR --out runs/C
    """

    config: Positional[str]
    """A file, or a name; a name that is none is answered with all there are."""
    out: Path
    """The run's folder: weights, log, state."""
    data: tuple[str, ...] = ()
    """NAME=DIR of each data set that the configuration takes."""
    start: tuple[Path, ...] = ()
    """Checkpoints of the networks that the configuration starts from."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    stop_after: int | None = None
    """Stop after so many steps in all; run again to go on."""
    minutes: float | None = None
    """Stop after so long; run again to go on."""
    json: bool = False
    """Print a summary as JSON on standard output."""

    def run(self) -> int:
        roots = {}
        for entry in self.data:
            name, equals, root = entry.partition("=")
            if not (name and equals and root):
                raise InputError(f"--data {entry}: say which data set it is, NAME=DIR")
            roots[name] = Path(root)
        if self.stop_after is not None and self.stop_after < 1:
            raise InputError(f"--stop-after {self.stop_after}: say at least 1 step")
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(f"--minutes {self.minutes}: say more than 0")
        device = resolve_device(self.device)
        with TrainingBar() as report:
            trainer = train(self.config, self.out, roots, self.start, device, self.stop_after, self.minutes, report)
        if not is_first():
            return DONE
        iterations = trainer.configuration.schedule.iterations
        summary = {
            "out": str(self.out),
            "model": trainer.configuration.model,
            "steps": trainer.step,
            "iterations": iterations,
            "best_validation_endpoint_error": trainer.best,
        }
        if self.json:
            result_json(summary)
        else:
            told = "no validation error was measured"
            if trainer.best is not None:
                told = f"lowest validation error {trainer.best:.3f} px, in best.safetensors"
            result(f"{self.out}: {trainer.step} of {iterations} steps; {told}")
        return DONE
