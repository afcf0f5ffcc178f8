"""A checkpoint file of every family, through `flowfeat pair`, against the reference implementations' own flow."""

from pathlib import Path

import numpy as np
import pytest
from fixture_checkpoints import oracle_weights, write_caffemodel, write_hdf5, write_pickle
from oracle import folder, recipe
from PIL import Image

from flowfeat.cli import run
from flowfeat.formats import read_flow

# flownet2.md 5.3: single nets (here also short stacks) 1e-4, FlowNet2 1e-3 and 5e-5 in the mean.
SINGLE, FUSED = (1e-4, 5e-5), (1e-3, 5e-5)


def frames(data: Path, tmp_path: Path, height: int = 192, width: int = 256) -> list[str]:
    """The oracle's pair as picture files, cut to a size."""
    paths = []
    for number, planes in enumerate(recipe(data).images()):
        path = tmp_path / f"frame{number}.png"
        Image.fromarray(np.ascontiguousarray(planes[:, :height, :width].transpose(1, 2, 0))).save(path)
        paths.append(str(path))
    return paths


def checkpoint_file(data: Path, tmp_path: Path, model: str) -> Path:
    """The file as its family would publish it."""
    weights = oracle_weights(data, model)
    if model.startswith("nv"):
        return write_pickle(tmp_path / "FlowNet2_checkpoint.pth.tar", weights, epoch=0, best_EPE=1e10)
    if model.startswith("mm"):
        return write_pickle(tmp_path / "flownet2.pth", weights, meta={"mmflow_version": "0.5.2"})
    # As published: FlowNet2 and FlowNet2-S as HDF5, FlowNet2-ss as protobuf.
    if model == "lmb_FlowNet2-ss":
        return write_caffemodel(tmp_path / "FlowNet2-ss_weights.caffemodel", weights)
    return write_hdf5(tmp_path / "FlowNet2_weights.caffemodel.h5", weights)


@pytest.mark.parametrize(
    ("model", "named", "size", "limits"),
    [
        ("nv_flownet2s", "flownet2-S", (192, 256), SINGLE),
        ("nv_flownet2c", "flownet2-C", (192, 256), SINGLE),
        ("nv_flownet2sd", "flownet2-SD", (192, 256), SINGLE),
        ("nv_flownet2cs", "flownet2-CS", (192, 256), SINGLE),
        ("nv_flownet2", "flownet2", (192, 256), FUSED),
        ("mm_flownets", "flownet2-S", (192, 256), SINGLE),
        ("mm_flownetc", "flownet2-C", (192, 256), SINGLE),
        ("mm_flownet2sd", "flownet2-SD", (192, 256), SINGLE),
        ("mm_flownet2cs", "flownet2-CS", (192, 256), SINGLE),
        ("lmb_FlowNet2-S", "flownet2-S", (192, 256), SINGLE),
        ("lmb_FlowNet2-S", "flownet2-S", (180, 250), SINGLE),
        ("lmb_FlowNet2-ss", "flownet2-ss", (192, 256), SINGLE),
        ("lmb_FlowNet2", "flownet2", (192, 256), FUSED),
    ],
)
@pytest.mark.filterwarnings("ignore:.*400 times too large")
def test_flow_is_that_of_the_reference_implementation(data, tmp_path, model, named, size, limits):
    weights = checkpoint_file(data, tmp_path, model)
    out = tmp_path / "flow.flo"
    arguments = ["pair", *frames(data, tmp_path, *size), "--out", str(out), "--device", "cpu"]
    assert run([*arguments, "--model", named, "--weights", str(weights)]) == 0
    weights.unlink()
    with np.load(folder(data) / f"expected_{model.split('_')[0]}.npz") as expected:
        key = model if size == (192, 256) else f"{model}_{size[0]}x{size[1]}"
        whole = f"{key}|flow" in expected
        wanted = expected[f"{key}|flow" if whole else f"{key}|flow_every4"][0]
    flow = read_flow(out).flow
    error = np.abs((flow if whole else flow[:, ::4, ::4]) - wanted)
    assert error.max() <= limits[0]
    assert error.mean() <= limits[1]
