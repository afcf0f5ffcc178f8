"""What an extraction is asked for, checked before anything is touched."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, load_estimator
from flowfeat.processors import processors
from flowfeat.store.settings import DEFAULT_BOUND, JPEG_QUALITY, Encoding, StoreSettings, check_bound
from flowfeat.video import FrameSize


@dataclass(frozen=True)
class ExtractionOptions:
    """What to extract from which clips into which store; every command of extraction takes these."""

    out: Path
    """The store: a folder, made if it is not there; run again to resume."""
    model: str | None = None
    """A name that `flowfeat models` lists, or files:DIR for flow computed elsewhere; +v adds variational refinement."""
    weights: Path | None = None
    """A checkpoint, for models that take one; without --model, of the network that it holds."""
    profile: str | None = None
    """lmb, nvidia, mmflow or flownet1: compute as these did; as the family of the checkpoint does if not given."""
    precision: str | None = None
    """float32, float16 or bfloat16, for the FlowNet 2.0 family: by default float16 on a GPU and float32 on a CPU."""
    encoding: Encoding = "jpeg"
    """How flow is stored: jpeg and uint8 are quantised within the bound, float16 is not."""
    bound: float = DEFAULT_BOUND
    """Largest displacement in pixels that jpeg and uint8 can hold; pixels beyond it are clipped and counted."""
    resize: str | None = None
    """HEIGHTxWIDTH or shorter:PIXELS: frames are resized before their flow is computed."""
    backward: bool = False
    """Also store the flow from the second frame of each pair to the first."""
    frames: bool = False
    """Also store the RGB frames as JPEGs, for spatial streams."""
    step: int = 1
    """Flow from frame t to frame t + STEP, for every t."""
    batch: int | None = None
    """Pairs that are computed together; by default 16 or more on a CPU, as many as keep a GPU busy and fit."""
    workers: int | None = None
    """Threads that encode, of all devices together; half as many processes decode. One a processor by default."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    devices: str | None = None
    """GPUs to use side by side, as 0,1; in place of --device."""
    engine: Literal["local", "ray"] = "local"
    """local: this process. ray: actors of a Ray cluster, on all its machines, over folders that they share."""
    shard: str | None = None
    """I/N: only the I-th of N parts of the clips, from 1/N to N/N, so that N processes or machines share the work."""
    clips: Path | None = None
    """A text file of clip names, one a line: only these."""

    def __post_init__(self) -> None:
        for name, value in (("--step", self.step), ("--batch", self.batch), ("--workers", self.workers)):
            if value is not None and value < 1:
                raise InputError(f"{name} {value}: it must be 1 or more")
        check_bound(self.bound)
        self.frame_size  # noqa: B018 - raises on a text that is no size
        self.part  # noqa: B018
        self.device_names  # noqa: B018
        if self.engine == "ray" and self.devices is not None:
            raise InputError("--devices with --engine ray: Ray hands out the GPUs; leave --devices out")

    @property
    def frame_size(self) -> FrameSize | None:
        try:
            return FrameSize.parse(self.resize) if self.resize else None
        except ValueError as fault:
            raise InputError(str(fault)) from None

    @property
    def part(self) -> tuple[int, int]:
        """(I, N) of `--shard I/N`."""
        if self.shard is None:
            return 1, 1
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", self.shard)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise InputError(f"--shard {self.shard}: write I/N with I from 1 to N, as 1/4 to 4/4 for four parts")
        return int(match[1]), int(match[2])

    @property
    def device_names(self) -> list[str]:
        if self.devices is None:
            return [self.device]
        if not re.fullmatch(r"\d{1,3}(,\d{1,3})*", self.devices):
            raise InputError(f"--devices {self.devices}: write the numbers of GPUs, as 0 or 0,1,2")
        numbers = self.devices.split(",")
        if len(set(numbers)) != len(numbers):
            raise InputError(f"--devices {self.devices}: a GPU is named twice")
        return [f"cuda:{number}" for number in numbers]

    @property
    def threads(self) -> int:
        return self.workers or processors()

    def for_actors(self, device: str) -> "ExtractionOptions":
        """These options for any process that sees the same folders: paths absolute, `device` as told."""
        model = self.model
        if model and model.startswith("files:"):
            model = f"files:{Path(model.removeprefix('files:')).absolute()}"
        weights = self.weights.absolute() if self.weights else None
        return replace(self, out=self.out.absolute(), model=model, weights=weights, device=device, workers=self.threads)

    def load_estimators(self) -> list[FlowEstimator]:
        """One estimator for each device. Raises InputError where the model, weights or a device cannot be had."""
        return [
            load_estimator(self.model, self.weights, device, self.threads, self.profile, self.precision)
            for device in self.device_names
        ]

    def settings(self, estimator: FlowEstimator) -> StoreSettings:
        """The settings that files made with these options and this estimator carry."""
        description = estimator.description
        return StoreSettings(
            model=description.model,
            library=description.library,
            parameters=description.parameters,
            weights_sha256=description.weights_sha256,
            encoding=self.encoding,
            bound=None if self.encoding == "float16" else float(self.bound),
            quality=JPEG_QUALITY if self.encoding == "jpeg" or self.frames else None,
            resize=str(self.frame_size) if self.frame_size else None,
            step=self.step,
            backward=self.backward,
            frames=self.frames,
        )
