"""Checkpoints of every family: recognised by names and shapes, every tensor accounted for, nothing run."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_checkpoints import small_weights, write_caffemodel, write_hdf5, write_pickle
from oracle import folder

from flowfeat.errors import FormatError, InputError
from flowfeat.networks import NUMERICS
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.zoo import Composition
from flowfeat.weights import holds_weights, read_checkpoint, write_checkpoint
from flowfeat.weights.checkpoint import identify
from flowfeat.weights.containers import Contents

THIN = 3 / 8
KNOWN = {
    "nv_flownet2": ("fused", 1.0), "nv_flownet2c": ("C", 1.0), "nv_flownet2cs": ("CS", 1.0),
    "nv_flownet2css": ("CSS", 1.0), "nv_flownet2s": ("S", 1.0), "nv_flownet2sd": ("SD", 1.0),
    "mm_flownet2": ("fused", 1.0), "mm_flownet2cs": ("CS", 1.0), "mm_flownet2css": ("CSS", 1.0),
    "mm_flownet2css-sd": ("CSS", 1.0), "mm_flownet2sd": ("SD", 1.0), "mm_flownetc": ("C", 1.0),
    "mm_flownets": ("S", 1.0),
    "lmb_FlowNet2": ("fused", 1.0), "lmb_FlowNet2-C": ("C", 1.0), "lmb_FlowNet2-CS": ("CS", 1.0),
    "lmb_FlowNet2-CSS": ("CSS", 1.0), "lmb_FlowNet2-S": ("S", 1.0), "lmb_FlowNet2-SD": ("SD", 1.0),
    "lmb_FlowNet2-c": ("C", THIN), "lmb_FlowNet2-cs": ("CS", THIN), "lmb_FlowNet2-css": ("CSS", THIN),
    "lmb_FlowNet2-s": ("S", THIN), "lmb_FlowNet2-ss": ("SS", THIN),
}  # fmt: skip
FAMILIES = {"nv": "nvidia", "mm": "mmflow", "lmb": "lmb"}


def pickled(tmp_path: Path, data: Path, model: str = "nv_flownet2s", **changes: object) -> Path:
    """A small checkpoint file of the family of `model`; `changes` replaces tensors, or drops those that are None."""
    weights = small_weights(data, model)
    for name, value in changes.items():
        weights.pop(name, None)
        if value is not None:
            weights[name] = value
    return write_pickle(tmp_path / "weights.pth.tar", weights, epoch=0, best_EPE=1e10)


@pytest.mark.parametrize("model", KNOWN)
def test_every_published_network_is_recognised_by_its_names_and_shapes(data, model):
    """All tensors of all key lists find their place: identify() refuses what is missing, left over or misshapen."""
    shapes = json.loads((folder(data) / f"keys/keys_{model}.json").read_text())
    family = FAMILIES[model.split("_")[0]]
    kind = "caffemodel" if family == "lmb" else "pickle"
    contents = Contents(kind, {name: torch.zeros(shape) for name, shape in shapes.items()})
    checkpoint = identify(Path("some.file"), contents, "")
    assert (checkpoint.family, checkpoint.numerics.name) == (family, family)
    letters, width = KNOWN[model]
    assert checkpoint.composition == Composition(letters, width), "all-zero biases of the S networks are dropped"


def test_every_key_list_is_tested(data):
    lists = {path.stem.removeprefix("keys_") for path in (folder(data) / "keys").glob("*.json")}
    assert lists == set(KNOWN)


@pytest.mark.parametrize("model", ["nv_flownet2", "mm_flownet2", "lmb_FlowNet2", "nv_flownet2sd", "mm_flownetc"])
def test_any_width_is_recognised(tmp_path, data, model):
    weights = small_weights(data, model, divisor=16)
    path = tmp_path / "weights"
    write_caffemodel(path, weights) if model.startswith("lmb") else write_pickle(path, weights)
    checkpoint = read_checkpoint(path)
    assert checkpoint.composition.width == 1 / 16
    assert checkpoint.model.endswith("@0.0625")


def test_both_kinds_of_caffe_files_hold_the_same(tmp_path, data):
    weights = small_weights(data, "lmb_FlowNet2")
    protobuf = read_checkpoint(write_caffemodel(tmp_path / "a.caffemodel", weights))
    hdf5 = read_checkpoint(write_hdf5(tmp_path / "a.caffemodel.h5", weights))
    assert (protobuf.kind, hdf5.kind) == ("caffemodel", "hdf5")
    assert protobuf.tensors.keys() == hdf5.tensors.keys()
    assert all(torch.equal(protobuf.tensors[name], hdf5.tensors[name]) for name in protobuf.tensors)
    assert protobuf.numerics == hdf5.numerics


def test_the_means_in_a_caffe_file_are_used_and_their_absence_is_told(tmp_path, data):
    weights = small_weights(data, "lmb_FlowNet2-S")
    weights["img0s_aug/2"] = np.array([0.1, 0.2, 0.3], np.float32).reshape(1, 3, 1, 1)
    weights["img1s_aug/2"] = np.array([0.4, 0.5, 0.6], np.float32).reshape(1, 3, 1, 1)
    checkpoint = read_checkpoint(write_caffemodel(tmp_path / "a.caffemodel", weights))
    assert np.allclose(checkpoint.numerics.mean, [[0.3, 0.2, 0.1], [0.6, 0.5, 0.4]])
    assert not checkpoint.assumptions()
    without = {name: array for name, array in weights.items() if "_aug" not in name}
    checkpoint = read_checkpoint(write_caffemodel(tmp_path / "b.caffemodel", without))
    assert checkpoint.numerics.mean == NUMERICS["lmb"].mean
    assert "no mean colours" in checkpoint.assumptions()[0]


def test_colours_of_bgr_families_are_turned_to_rgb(tmp_path, data):
    weights = small_weights(data, "lmb_FlowNet2")
    tensors = read_checkpoint(write_caffemodel(tmp_path / "a.caffemodel", weights)).tensors
    pairs = {
        "stack.first.conv1.weight": ("conv1/0", [2, 1, 0]),
        "stack.stages.0.conv1.weight": ("net2_conv1/0", [2, 1, 0, 5, 4, 3, 8, 7, 6, 9, 10, 11]),
        "small_displacement.conv0.weight": ("netsd_conv0/0", [2, 1, 0, 5, 4, 3]),
        "fusion.conv0.weight": ("fuse_conv0/0", [2, 1, 0, 3, 4, 5, 6, 7, 8, 9, 10]),
        "small_displacement.conv1.weight": ("netsd_conv1/0", None),
    }
    for ours, (theirs, order) in pairs.items():
        expected = weights[theirs] if order is None else weights[theirs][:, order]
        assert np.array_equal(tensors[ours].numpy(), expected), ours


def flownet1_state(batch_norm: bool) -> dict[str, torch.Tensor]:
    """FlowNetPytorch's names for a FlowNetS of 1/32 of the width, with random values."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = FlowNetwork(Composition("S", 1 / 32), NUMERICS["flownet1"]).network
        state: dict[str, torch.Tensor] = {}
        for name, tensor in network.state_dict().items():
            name = name.removeprefix("refinement.")
            stem, _, leaf = name.rpartition(".")
            in_sequence = stem.startswith(("conv", "deconv"))
            if leaf == "bias" and (not stem.startswith("conv") or batch_norm):
                continue
            state[f"{stem}.0.{leaf}" if in_sequence else name] = tensor.clone()
            if stem.startswith("conv") and batch_norm:
                channels = tensor.shape[0]
                state[f"{stem}.1.weight"], state[f"{stem}.1.bias"] = torch.rand(channels), torch.randn(channels)
                state[f"{stem}.1.running_mean"] = torch.randn(channels)
                state[f"{stem}.1.running_var"] = torch.rand(channels) + 0.5
                state[f"{stem}.1.num_batches_tracked"] = torch.tensor(100)
        return state


def test_flownet1_without_biases_is_read_with_zeros_for_them(tmp_path):
    state = flownet1_state(batch_norm=False)
    path = tmp_path / "flownets_EPE1.951.pth.tar"
    torch.save({"arch": "flownets", "state_dict": state, "div_flow": 20}, path)
    checkpoint = read_checkpoint(path)
    assert (checkpoint.family, checkpoint.numerics.name) == ("flownet1", "flownet1")
    assert not checkpoint.tensors["refinement.predict_flow2.bias"].any()
    assert torch.equal(checkpoint.tensors["conv1.weight"], state["conv1.0.weight"])
    assert "RGB" in checkpoint.assumptions()[0]
    from_caffe = tmp_path / "flownets_from_caffe.pth.tar"
    from_caffe.write_bytes(path.read_bytes())
    flipped = read_checkpoint(from_caffe)
    assert torch.equal(flipped.tensors["conv1.weight"][:, :3], state["conv1.0.weight"][:, :3].flip(1))
    assert flipped.numerics.mean[0] == checkpoint.numerics.mean[0][::-1]
    assert "BGR" in flipped.assumptions()[0]


def test_batch_norm_is_folded_into_the_convolution_before_it(tmp_path):
    state = flownet1_state(batch_norm=True)
    torch.save({"arch": "flownets_bn", "state_dict": state}, tmp_path / "flownets_bn.pth")
    tensors = read_checkpoint(tmp_path / "flownets_bn.pth").tensors
    images = torch.randn(1, 6, 64, 64, generator=torch.Generator().manual_seed(0))
    plain = torch.nn.functional.conv2d(images, state["conv1.0.weight"], None, 2, 3)
    norm = [state[f"conv1.1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    wanted = torch.nn.functional.batch_norm(plain, *norm)
    folded = torch.nn.functional.conv2d(images, tensors["conv1.weight"], tensors["conv1.bias"], 2, 3)
    assert (folded - wanted).abs().max() < 1e-4


def test_the_old_form_of_pth_and_data_parallel_and_numpy_numbers_are_read(tmp_path, data):
    weights = {f"module.{name}": torch.from_numpy(a) for name, a in small_weights(data, "nv_flownet2s").items()}
    saved = {"epoch": 3, "arch": "FlowNet2S", "state_dict": weights, "best_EPE": np.float64(2.5)}
    torch.save(saved, tmp_path / "new.pth.tar")
    torch.save(saved, tmp_path / "old.pth.tar", _use_new_zipfile_serialization=False)
    new, old = (read_checkpoint(tmp_path / name) for name in ("new.pth.tar", "old.pth.tar"))
    assert all(torch.equal(new.tensors[name], old.tensors[name]) for name in new.tensors)


@pytest.mark.parametrize("model", ["nv_flownet2", "mm_flownet2cs", "lmb_FlowNet2-ss", "nv_flownet2sd"])
def test_a_converted_file_gives_the_same_flow_to_the_bit(tmp_path, data, model):
    # The thin network has sums of channels of its own, so it stays as wide as it is.
    weights = small_weights(data, model) if "-ss" not in model else _thin(data, model)
    path = tmp_path / "theirs"
    write_caffemodel(path, weights) if model.startswith("lmb") else write_pickle(path, weights)
    source = read_checkpoint(path)
    write_checkpoint(source, tmp_path / "ours.safetensors")
    ours = read_checkpoint(tmp_path / "ours.safetensors")
    assert ours.family == "flowfeat"
    assert (ours.numerics, ours.composition, ours.model) == (source.numerics, source.composition, source.model)
    assert ours.provenance == {"source": "theirs", "source_sha256": source.sha256, "family": source.family}
    frames = torch.rand(1, 2, 3, 72, 100, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(ours.network()(frames), source.network()(frames))


def _thin(data: Path, model: str) -> dict[str, np.ndarray]:
    from fixture_checkpoints import oracle_weights

    return oracle_weights(data, model)


def refusal(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def test_every_unmatched_tensor_is_named(tmp_path, data):
    assert "conv4.weight is missing" in refusal(pickled(tmp_path, data, **{"conv4.0.weight": None}))
    extra = refusal(pickled(tmp_path, data, **{"conv9.0.weight": np.zeros(3, np.float32)}))
    assert "conv9.weight belongs to no layer" in extra
    shape = refusal(pickled(tmp_path, data, **{"conv4.0.bias": np.zeros(3, np.float32)}))
    assert "conv4.bias is 3 where it must be 16" in shape
    twice = refusal(pickled(tmp_path, data, **{"conv4.bias": np.zeros(16, np.float32)}))
    assert "conv4.bias is there twice" in twice
    odd = refusal(pickled(tmp_path, data, **{"conv\n4": np.zeros(16, np.float32)}))
    assert r"'conv\n4' belongs to no layer" in odd
    nan = refusal(pickled(tmp_path, data, **{"conv4.0.bias": np.full(16, np.nan, np.float32)}))
    assert "conv4.bias holds values that are no numbers" in nan
    assert "no layer conv6_1" in refusal(pickled(tmp_path, data, **{"conv6_1.0.weight": None}))


class Malice:
    """Would run a command where it is unpickled."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return (eval, (f"open({str(self.target)!r}, 'w')",))


def test_a_pickle_with_code_is_refused_and_nothing_of_it_is_run(tmp_path, data):
    proof = tmp_path / "was_run"
    weights = {name: torch.from_numpy(array) for name, array in small_weights(data, "nv_flownet2s").items()}
    torch.save({"state_dict": weights, "optimizer": Malice(proof)}, tmp_path / "bad.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"state_dict": Malice(proof)}))
    assert "eval to be run when it is read, and flowfeat runs nothing from a file" in refusal(tmp_path / "bad.pth")
    assert "no checkpoint of plain tensors" in refusal(tmp_path / "plain.pth")
    assert not proof.exists()


def test_files_that_are_no_checkpoint_are_told_apart(tmp_path, data):
    text = tmp_path / "notes.txt"
    text.write_text("\nA text, with a line\n")
    assert "this is no checkpoint" in refusal(text)
    whole = pickled(tmp_path, data)
    cut = tmp_path / "cut.pth.tar"
    cut.write_bytes(whole.read_bytes()[:-5000])
    assert "damaged or cut short" in refusal(cut)
    torch.save({"state_dict": {"encoder.weight": torch.zeros(2)}}, tmp_path / "other.pth")
    assert "none of a network of the FlowNet 2.0 family" in refusal(tmp_path / "other.pth")
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    assert "a checkpoint is a table of tensors" in refusal(tmp_path / "list.pth")
    torch.save({"a": torch.zeros(2), "b": 3}, tmp_path / "mixed.pth")
    assert "'b' is not a tensor" in refusal(tmp_path / "mixed.pth")
    with pytest.raises(InputError, match="there is no such file"):
        read_checkpoint(tmp_path / "absent.pth")
    assert holds_weights(whole)
    assert not holds_weights(text)


def test_a_header_of_ours_is_read_strictly(tmp_path, data):
    from safetensors.torch import load_file, save_file

    write_checkpoint(read_checkpoint(pickled(tmp_path, data)), tmp_path / "ours.safetensors")
    tensors = load_file(tmp_path / "ours.safetensors")
    for header, told in {
        '{"schema": 2}': "its header is of schema 2",
        '{"schema": 1}': "it is of a profile None that this version does not know",
        "[1]": "is damaged",
        "{": "damaged",
        '{"schema": 1, "profile": "lmb", "mean": [1, 2]}': "its mean is no colour for each of two frames",
        '{"schema": 1, "profile": "lmb", "mean": "both"}': "its mean 'both' is unknown",
        '{"schema": 1, "profile": "lmb", "mean": [["a", 1, 2], [1, 2, 3]]}': "could not convert string to float",
        '{"schema": 1, "profile": "lmb", "mean": null, "model": "flownet2-C"}': "its header calls it 'flownet2-C', and",
        '{"schema": 1, "profile": "lmb", "mean": null, "model": ["x"]}': "its header calls it ['x']",
    }.items():
        save_file(tensors, tmp_path / "changed.safetensors", {"flowfeat.network": header})
        assert told in refusal(tmp_path / "changed.safetensors")
    save_file(tensors, tmp_path / "bare.safetensors")
    assert not holds_weights(tmp_path / "bare.safetensors")
    with pytest.raises(InputError, match=r"weights are written as \.safetensors"):
        write_checkpoint(read_checkpoint(tmp_path / "ours.safetensors"), tmp_path / "ours.pth")


def test_in_another_profile_weights_keep_their_own_units(tmp_path, data):
    path = tmp_path / "mm.pth"
    write_pickle(path, small_weights(data, "mm_flownet2"))
    checkpoint = read_checkpoint(path)
    assert checkpoint.network("lmb").numerics == replace(
        NUMERICS["lmb"], cost_scale="sum", small_displacement_scale=20.0
    )
    assert checkpoint.network().numerics == NUMERICS["mmflow"]


def test_nvidias_small_displacement_network_warns_of_its_scale(tmp_path, data):
    path = write_pickle(tmp_path / "sd.pth.tar", small_weights(data, "nv_flownet2sd"))
    checkpoint = read_checkpoint(path)
    assert "400 times too large" in checkpoint.assumptions()[0]
    assert "mean colours" in checkpoint.assumptions("lmb")[0]
    frames = torch.rand(1, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    mean = [0.5, 0.5, 0.5]
    same = replace(checkpoint, numerics=replace(checkpoint.numerics, mean=(tuple(mean), tuple(mean))))
    pixels = replace(same, numerics=replace(same.numerics, small_displacement_alone=None))
    with torch.inference_mode():
        torch.testing.assert_close(same.network()(frames), 400 * pixels.network()(frames))


def test_tensors_that_claim_more_than_they_hold_or_hold_nothing_are_refused(tmp_path):
    torch.save(
        {"conv6_1.0.weight": torch.zeros(1).expand(1 << 45), "predict_flow2.weight": torch.zeros(1)},
        path := tmp_path / "wide.pth",
    )
    assert "'conv6_1.0.weight' is no plain tensor of numbers" in refusal(path)
    torch.save({"predict_flow2.weight": torch.zeros(2, device="meta")}, tmp_path / "meta.pth")
    assert "'predict_flow2.weight' is no plain tensor of numbers" in refusal(tmp_path / "meta.pth")


def test_a_caffe_file_cannot_fetch_other_files(tmp_path):
    import h5py

    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        layer = file.create_group("data/conv1")
        layer.create_dataset("0", (4,), "f4", external=[(str(secret), 0, 16)])
    assert "conv1/0 is no plain array of floats" in refusal(tmp_path / "outside.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data/conv1/0"] = np.zeros(4, np.float32)
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file.create_group("data/conv1")["0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/data/conv1/0")
    assert "conv1/0 is no plain array of floats" in refusal(tmp_path / "linked.h5")
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "data/conv1/0", (4,))
        file.create_group("data/conv1").create_virtual_dataset("0", layout)
    assert "conv1/0 is no plain array of floats" in refusal(tmp_path / "virtual.h5")


def test_assumptions_follow_the_profile_that_is_used(tmp_path, data):
    torch.save({"state_dict": flownet1_state(batch_norm=False)}, tmp_path / "flownets.pth")
    checkpoint = read_checkpoint(tmp_path / "flownets.pth")
    assert "those of the authors' FlowNet2 are used" in checkpoint.assumptions("lmb")[-1]
    nvidia = read_checkpoint(pickled(tmp_path, data))
    assert nvidia.assumptions() == ()
    assert "those of FlowNetPytorch are used" in nvidia.assumptions("flownet1")[0]
