"""The package's own weights: what every command uses where no model is named, and the networks within them."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_clips import write_clip

import flowfeat
from flowfeat.cli import run
from flowfeat.datasets import open_dataset
from flowfeat.errors import InputError
from flowfeat.estimators import DEFAULT_MODEL, load_estimator, model_entries
from flowfeat.store import FlowStore
from flowfeat.store.records import settings_of_store
from flowfeat.weights import read_checkpoint, write_checkpoint

FOLDER = Path(flowfeat.__file__).parent / "weights/default"
FILE = FOLDER / "flownet2-thin.safetensors"
STAGES = {
    "flownet2-thin": "fused",
    "flownet2-css-ft-sd": "CSS",
    "flownet2-cs": "CS",
    "flownet2-c": "C",
    "flownet2-sd": "SD",
}
FEW_BYTES = 24_000_000


def test_the_file_is_small_and_in_eight_bits():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= FEW_BYTES
    assert read_checkpoint(FILE).storage == "int8"


def test_the_networks_in_the_package_are_there_by_name():
    entries = model_entries()
    assert DEFAULT_MODEL == "flownet2-thin"
    assert {name for name, entry in entries.items() if entry.embedded} == set(STAGES)
    frames = torch.randint(0, 256, (1, 2, 3, 64, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    whole = load_estimator(device="cpu")
    assert whole.description.model == "flownet2-thin"
    computed = whole.stages(frames)  # type: ignore[attr-defined]
    for name, letters in STAGES.items():
        part = load_estimator(name, device="cpu")
        assert part.description.model == name
        assert part.description.weights_sha256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
        assert torch.equal(part(frames), computed[letters]), "what it computes within the whole"
        assert entries[name].needs == "embedded"
        assert entries[name].method.endswith("as the fine-tuned stack holds it") == (letters in ("C", "CS"))


def test_what_is_not_in_the_package_needs_a_file():
    """The stack before its fine-tuning is not in the file."""
    with pytest.raises(InputError, match="the model flownet2-css has no weights in this package: give a file"):
        load_estimator("flownet2-css", device="cpu")
    with pytest.raises(InputError) as told:
        load_estimator("flownet9", device="cpu")
    assert all(f"{name}, " in str(told.value) for name in STAGES), "they work without --weights"


def test_other_weights_can_be_given_in_their_place(tmp_path):
    own = read_checkpoint(FILE)
    others = {name: tensor * 0.5 for name, tensor in own.tensors.items()}
    write_checkpoint(replace(own, tensors=others), tmp_path / "other.safetensors", "float32")
    estimator = load_estimator("flownet2-thin", tmp_path / "other.safetensors", "cpu")
    assert estimator.description.weights_sha256 == read_checkpoint(tmp_path / "other.safetensors").sha256


def test_commands_need_no_model(tmp_path, capfd):
    write_clip(tmp_path / "clips/a.avi", frames=3, width=64, height=64)
    assert run(["models"]) == 0
    assert "default: flownet2-thin" in capfd.readouterr().out
    assert run(["extract", str(tmp_path / "clips"), "--out", str(tmp_path / "flow"), "--device", "cpu"]) == 0
    settings = settings_of_store(tmp_path / "flow")
    assert settings.model == "flownet2-thin"
    assert settings.weights_sha256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert len(FlowStore(tmp_path / "flow")) == 1


def test_errors_are_those_of_the_model_card(data):
    """The record beside the card was measured with this file, and the file still gives its numbers."""
    record = json.loads((Path(__file__).parents[3] / "docs/records/default_weights.json").read_text())
    assert record["weights"]["fused"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    estimator = load_estimator(device="cpu")
    errors = []
    for sample in open_dataset("middlebury", data / "flow/middlebury"):
        assert sample.flow is not None
        flow = estimator(torch.from_numpy(sample.frames).permute(0, 3, 1, 2)[None])[0].numpy()
        errors.append(np.hypot(*(flow - sample.flow))[sample.valid].mean())
    assert float(np.mean(errors)) == pytest.approx(record["middlebury"]["error"]["fused"], rel=1e-3)
    assert float(np.mean(errors)) <= 2.0
