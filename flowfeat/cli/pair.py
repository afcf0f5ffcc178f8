"""`flowfeat pair`: flow from one picture to another."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tyro.conf import Positional

from flowfeat.cli import DONE
from flowfeat.cli.output import result, result_json
from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator
from flowfeat.estimators.flownet import FlowNet
from flowfeat.formats import check_flow_ending, write_flow
from flowfeat.gallery import stages_sheet
from flowfeat.video.readers import read_picture
from flowfeat.visualization import Panel, check_picture_ending, contact_sheet, flow_panel, save_picture


@dataclass(frozen=True)
class PairCommand:
    """Flow from FRAME0 to FRAME1, written as .flo, .png (KITTI 16-bit), .pfm or .npy by the ending of --out.

    flowfeat pair frame10.png frame11.png --out flow10.flo --model dis --show flow10.png

    flowfeat pair frame10.png frame11.png --out flow10.flo --weights FlowNet2_checkpoint.pth.tar --stages stages.png
    """

    frame0: Positional[Path]
    """The first picture."""
    frame1: Positional[Path]
    """The second picture, of the same size."""
    out: Path
    """Where the flow is written."""
    model: str | None = None
    """A name that `flowfeat models` lists; +v adds variational refinement."""
    weights: Path | None = None
    """A checkpoint, for models that take one; without --model, of the network that it holds."""
    profile: str | None = None
    """lmb, nvidia, mmflow or flownet1: compute as these did; as the family of the checkpoint does if not given."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    precision: str | None = None
    """float32, float16 or bfloat16, for the FlowNet 2.0 family: by default float16 on a GPU and float32 on a CPU."""
    show: Path | None = None
    """Also draw the flow beside the frames into this .png or .jpg."""
    stages: Path | None = None
    """Also draw what each network of a stack contributes into this .png or .jpg."""
    json: bool = False
    """Print a summary as JSON on standard output."""

    def run(self) -> int:
        # Before anything is computed: what is asked for can be written.
        check_flow_ending(self.out)
        for picture in (self.show, self.stages):
            if picture:
                check_picture_ending(picture)
        estimator = load_estimator(
            self.model, self.weights, self.device, profile=self.profile, precision=self.precision
        )
        if self.stages and not isinstance(estimator, FlowNet):
            raise InputError(
                f"--stages {self.stages}: {estimator.description.model} is no network of the FlowNet 2.0 family, so it "
                "has no stages; leave --stages out"
            )
        frames = [read_picture(path) for path in (self.frame0, self.frame1)]
        if frames[0].shape != frames[1].shape:
            sizes = [f"{frame.shape[1]}x{frame.shape[0]}" for frame in frames]
            raise InputError(
                f"{self.frame1}: the picture is {sizes[1]} and {self.frame0} is {sizes[0]}; flow needs one size"
            )
        for path in (self.out, self.show, self.stages):
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
        pair = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
        if self.stages and isinstance(estimator, FlowNet):
            flows = {letters: field[0].cpu().numpy() for letters, field in estimator.stages(pair[None]).items()}
            flow = list(flows.values())[-1]
            save_picture(self.stages, stages_sheet(np.stack(frames), flows))
        else:
            flow = estimator.alone(pair).cpu().numpy()
        if self.show:
            self._draw(self.show, frames, flow)
        write_flow(self.out, flow)
        displacement = np.hypot(flow[0], flow[1])
        summary = {
            "out": str(self.out),
            "model": estimator.description,
            "height": flow.shape[1],
            "width": flow.shape[2],
            "mean_displacement": float(displacement.mean()),
            "max_displacement": float(displacement.max()),
        }
        if self.json:
            result_json(summary)
        else:
            result(
                f"{self.out}: {flow.shape[2]}x{flow.shape[1]}, displacement mean {displacement.mean():.2f} px, "
                f"largest {displacement.max():.2f} px"
            )
        return DONE

    def _draw(self, path: Path, frames: list[np.ndarray], flow: np.ndarray) -> None:
        panels = [Panel(frames[0], self.frame0.name), Panel(frames[1], self.frame1.name), flow_panel(flow)]
        save_picture(path, contact_sheet([panels]))
