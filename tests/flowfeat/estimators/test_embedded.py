"""The package with weights of its own: a copy of it, with random ones in their place, in a process of its own."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from fixture_clips import write_clip

import flowfeat
from flowfeat.networks import NUMERICS
from flowfeat.networks.zoo import FAMILY, tensor_shapes
from flowfeat.store import FlowStore
from flowfeat.store.manifest import settings_of_store
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint

FILE = Path("flowfeat/weights/default/flownet2-thin.safetensors")

SCRIPT = """
import json, sys
import torch
from flowfeat import load_estimator
from flowfeat.cli import run
from flowfeat.errors import InputError
from flowfeat.estimators import DEFAULT_MODEL, model_entries

draw = torch.Generator().manual_seed(0)
frames = torch.randint(0, 256, (1, 2, 3, 64, 64), generator=draw, dtype=torch.uint8)
entries = model_entries()
names = [name for name, entry in entries.items() if entry.embedded]
loaded = {name: load_estimator(name, device="cpu") for name in [None, *names]}
stages = loaded[None].stages(frames)
letters = {"flownet2-thin": "fused", "flownet2-css-ft-sd": "CSS", "flownet2-cs": "CS", "flownet2-c": "C"}
letters["flownet2-sd"] = "SD"
told = {}
other, clips, store = sys.argv[1:]
for name, weights in [("flownet2-css", None), ("flownet9", None), ("flownet2-thin", other)]:
    try:
        told[name] = load_estimator(name, weights, "cpu").description.weights_sha256
    except InputError as fault:
        told[name] = str(fault)
status = [run(["models"]), run(["extract", clips, "--out", store, "--device", "cpu"])]
print(json.dumps({
    "status": status,
    "default": DEFAULT_MODEL,
    "names": names,
    "described": {str(name): each.description.model for name, each in loaded.items()},
    "sha256": list({each.description.weights_sha256 for each in loaded.values()}),
    "parts": {name: torch.equal(loaded[name](frames), stages[letters[name]]) for name in names},
    "methods": {name: entries[name].method for name in [*names, "flownet2-css"]},
    "needs": {name: entries[name].needs for name in ["flownet2-sd", "flownet2-css"]},
    "told": told,
}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The folder of a copy of flowfeat that carries a flownet2-thin, and of other weights of that network."""
    folder = tmp_path_factory.mktemp("package")
    leave = shutil.ignore_patterns("__pycache__", "default")
    shutil.copytree(Path(flowfeat.__file__).parent, folder / "flowfeat", ignore=leave)
    shapes = tensor_shapes(FAMILY["flownet2-thin"])
    for path, seed in ((folder / FILE, 0), (folder / "other.safetensors", 1)):
        draw = torch.Generator().manual_seed(seed)
        tensors = {
            name: torch.randn(shape, generator=draw) * shape[1:].numel() ** -0.5 for name, shape in shapes.items()
        }
        made = Checkpoint(
            path, "", "safetensors", "flowfeat", "flownet2-thin", FAMILY["flownet2-thin"], NUMERICS["lmb"], tensors
        )
        write_checkpoint(made, path, "int8")
    return folder


@pytest.fixture(scope="module")
def said(package) -> dict[str, Any]:
    """What the script finds, run in the folder of the copy, which it then takes for flowfeat."""
    write_clip(package / "clips/a.avi", frames=3, width=64, height=64)
    arguments = [
        sys.executable,
        "-c",
        SCRIPT,
        *(str(package / name) for name in ("other.safetensors", "clips", "flow")),
    ]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(arguments, cwd=package, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *table, found = done.stdout.splitlines()
    return {**json.loads(found), "table": table}


def test_the_networks_in_the_package_are_there_by_name(package, said):
    names = ["flownet2-c", "flownet2-cs", "flownet2-css-ft-sd", "flownet2-sd", "flownet2-thin"]
    assert said["default"] == "flownet2-thin"
    assert sorted(said["names"]) == names
    assert said["described"] == {"None": "flownet2-thin", **{name: name for name in names}}
    assert said["sha256"] == [hashlib.sha256((package / FILE).read_bytes()).hexdigest()]
    assert all(said["parts"].values()), "what each computes within the whole"
    held = {name for name, method in said["methods"].items() if method.endswith("as the fine-tuned stack holds it")}
    assert held == {"flownet2-c", "flownet2-cs"}
    # The stack before its fine-tuning is not in the file.
    assert "the model flownet2-css has no weights in this package: give a file" in said["told"]["flownet2-css"]
    assert all(f"{name}, " in said["told"]["flownet9"] for name in names), "they work without --weights"
    assert said["told"]["flownet2-thin"] == read_checkpoint(package / "other.safetensors").sha256


def test_commands_need_no_model(package, said):
    assert said["status"] == [0, 0]
    assert "default: flownet2-thin" in said["table"]
    assert said["needs"] == {"flownet2-sd": "embedded", "flownet2-css": "weights (--weights)"}
    settings = settings_of_store(package / "flow")
    assert settings.model == "flownet2-thin"
    assert settings.weights_sha256 == hashlib.sha256((package / FILE).read_bytes()).hexdigest()
    assert len(FlowStore(package / "flow")) == 1
