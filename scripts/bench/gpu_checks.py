"""Whether the device computes what the CPU does: kernels, networks, precisions, and the same bits twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from drawn_networks import drawn_checkpoint
from gpu_setting import GPU_ALONE, Parts, Setting
from torch import Tensor

from flowfeat.estimators import load_estimator
from flowfeat.estimators.flownet import FlowNet
from flowfeat.estimators.precision import TYPES
from flowfeat.metrics import endpoint_error
from flowfeat.networks.zoo import FAMILY
from flowfeat.rendering import SETTINGS, Renderer
from flowfeat.weights import Checkpoint
from flowfeat.weights.embedded import EMBEDDED

ROOT = Path(__file__).parents[2]
SINGLE, WHOLE = {"max": 1e-4}, {"max": 1e-3, "mean": 5e-5}
"""Pixels that a single network, and one that warps, may be off the CPU's in float32."""
_SEED = 99
_SPREAD = 1.0
"""Of the weights that predict flow, beside those that keep the size of features: flow of some pixels."""


def measure_checks(setting: Setting) -> Parts:
    """Each with what was found and, where there is a limit, whether it is kept."""
    yield "kernels", _kernels(setting)
    for name, found in _networks(setting):
        yield f"network {name}", found
    yield "bits", _bits(setting)
    yield "precisions", dict(_precisions(setting)) if setting.on_gpu else GPU_ALONE
    yield "tests", _tests() if setting.on_gpu else GPU_ALONE


def _kernels(setting: Setting) -> dict[str, Any]:
    """Every Triton kernel against its twin, in a process of its own; on a CPU through the interpreter."""
    program = ROOT / "tests/flowfeat/ops/interpreted_kernels.py"
    done = subprocess.run(
        [sys.executable, str(program), setting.device.type], capture_output=True, text=True, env=_environment()
    )
    return {"right": done.returncode == 0, "told": (done.stdout if done.returncode == 0 else done.stderr)[-1500:]}


def _networks(setting: Setting) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each network with drawn weights, and those with the package's own, in float32 on both devices."""
    frames = _rendered("large", 2, *((64, 64) if setting.quick else (192, 256)))[0]
    names = {composition: name for name, composition in FAMILY.items()}  # css is css-ft-sd
    for composition, name in names.items():
        if setting.quick and (composition.width == 1 or composition.letters not in ("S", "fused")):
            continue
        yield name, _beside_cpu(setting, lively(drawn_checkpoint(name)), frames)
    for name in ("flownet2-c",) if setting.quick else EMBEDDED:
        here, there = (
            load_estimator(name, device=device, precision="float32") for device in ("cpu", str(setting.device))
        )
        limits = SINGLE if len(FAMILY[name].letters) == 1 else WHOLE
        yield f"{name}, default weights", _off(here(frames), there(frames).cpu(), limits)


def _beside_cpu(setting: Setting, checkpoint: Checkpoint, frames: Tensor) -> dict[str, Any]:
    letters = checkpoint.composition.letters
    here, there = (FlowNet(checkpoint, None, device, "float32") for device in (torch.device("cpu"), setting.device))
    return _off(here(frames), there(frames).cpu(), SINGLE if letters in ("C", "S", "SD") else WHOLE)


def lively(checkpoint: Checkpoint) -> Checkpoint:
    """Weights drawn so that features keep their size from layer to layer and flow is some pixels long.

    As PyTorch draws them features fade, and whatever is wrong with a network is lost in it.
    """
    draw = torch.Generator().manual_seed(0)
    tensors = {}
    for name, tensor in checkpoint.tensors.items():
        if tensor.ndim == 1:
            tensors[name] = 0.04 * torch.rand(tensor.shape, generator=draw) - 0.02
            continue
        # A pixel of an up-convolution of stride 2 is met by a quarter of its weights; its inputs come first.
        up = "deconv" in name or "upsampled" in name
        inputs = tensor.shape[0] * 4 if up else tensor[0].numel()
        spread = _SPREAD if "predict" in name else 2**0.5 if not up or "deconv" in name else 1.0
        tensors[name] = torch.randn(tensor.shape, generator=draw) * spread / inputs**0.5
    return replace(checkpoint, tensors=tensors)


def _off(wanted: Tensor, found: Tensor, limits: dict[str, float]) -> dict[str, Any]:
    difference = (wanted - found).abs()
    told = {"max": float(difference.max()), "mean": float(difference.mean())}
    length = float(wanted.norm(dim=1).mean())
    return {**told, "flow": length, "limits": limits, "right": all(told[each] <= limits[each] for each in limits)}


def _precisions(setting: Setting) -> Iterator[tuple[str, dict[str, Any]]]:
    """Mean distance in pixels from float32, and from the truth, of the default weights on rendered pairs."""
    pairs = 8
    estimators = {each: load_estimator("flownet2-thin", device=str(setting.device), precision=each) for each in TYPES}
    for kind in ("small", "medium", "video"):
        frames, truth = _rendered(kind, pairs, 256, 320)
        flows = {each: estimator(frames).cpu() for each, estimator in estimators.items()}
        yield (
            kind,
            {
                each: {
                    "off_float32": float(endpoint_error(flow, flows["float32"]).mean()),
                    "off_truth": float(endpoint_error(flow, truth).mean()),
                }
                for each, flow in flows.items()
            },
        )


def _bits(setting: Setting) -> dict[str, bool]:
    """Whether flow is the same to the bit: the second time, from a new copy, and at another place in the batch."""
    size = (64, 64) if setting.quick else (240, 320)
    frames = torch.randint(0, 256, (8, 2, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(_SEED))
    estimator, another = (load_estimator("flownet2-thin", device=str(setting.device)) for _ in range(2))
    flow = estimator(frames)
    others = torch.roll(frames, 3, 0)
    found = {
        "twice": torch.equal(estimator(frames), flow),
        "from_a_new_copy": torch.equal(another(frames), flow),
        "at_another_place": torch.equal(torch.roll(estimator(others), -3, 0), flow),
    }
    return {**found, "right": all(found.values())}


def _tests() -> dict[str, Any]:
    """The tests marked gpu, of those files alone that have any: others import what may not be here."""
    files = sorted(path for path in (ROOT / "tests").rglob("test_*.py") if "mark.gpu" in path.read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", *map(str, files)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**_environment(), "FLOWFEAT_GPU": "1"},
    )
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines()
    return {
        "right": done.returncode == 0,
        "told": lines[-1] if lines else "",
        "failed": [line[:300] for line in lines if line.startswith(("FAILED", "ERROR"))],
    }


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))}


def _rendered(kind: str, pairs: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Frames of uint8 and their flow, that nothing was trained on."""
    rendered = Renderer(SETTINGS[kind], height, width, seed=_SEED, textures=8, texture_size=128).batch(0, pairs)
    return (rendered.frames * 255).round().byte(), rendered.flow
