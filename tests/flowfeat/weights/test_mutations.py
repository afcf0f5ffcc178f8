"""A thousand damaged files of each checkpoint format: a network or one sentence, never anything else."""

import numpy as np
import pytest
import torch
from fixture_checkpoints import small_weights, write_caffemodel, write_hdf5, write_pickle
from fixture_mutations import mutated

from flowfeat.errors import InputError
from flowfeat.weights import read_checkpoint, write_checkpoint

MUTATIONS = 1000
WIDTH = 64  # of the published network, divided by it: files of 50 KB


def nvidia(data, tmp_path):
    weights = small_weights(data, "nv_flownet2s", WIDTH)
    return write_pickle(tmp_path / "nvidia.pth.tar", weights, epoch=0, best_EPE=np.float64(1e10))


def nvidia_old(data, tmp_path):
    weights = {name: torch.from_numpy(a) for name, a in small_weights(data, "nv_flownet2s", WIDTH).items()}
    torch.save({"state_dict": weights}, tmp_path / "old.pth.tar", _use_new_zipfile_serialization=False)
    return tmp_path / "old.pth.tar"


def mmflow(data, tmp_path):
    return write_pickle(tmp_path / "mmflow.pth", small_weights(data, "mm_flownets", WIDTH), meta={"seed": 0})


def caffemodel(data, tmp_path):
    return write_caffemodel(tmp_path / "lmb.caffemodel", small_weights(data, "lmb_FlowNet2-S", WIDTH))


def hdf5(data, tmp_path):
    return write_hdf5(tmp_path / "lmb.caffemodel.h5", small_weights(data, "lmb_FlowNet2-S", WIDTH))


def ours(data, tmp_path):
    write_checkpoint(read_checkpoint(nvidia(data, tmp_path)), tmp_path / "ours.safetensors")
    return tmp_path / "ours.safetensors"


def eight_bit(data, tmp_path):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("flowfeat.weights.eight_bit._FEW", 1000)
        write_checkpoint(read_checkpoint(nvidia(data, tmp_path)), tmp_path / "eight_bit.safetensors", "int8")
    return tmp_path / "eight_bit.safetensors"


@pytest.mark.parametrize("family", [nvidia, nvidia_old, mmflow, caffemodel, hdf5, ours, eight_bit])
def test_a_damaged_checkpoint_is_a_network_or_one_sentence(data, tmp_path, family):
    whole = family(data, tmp_path)
    content, path = whole.read_bytes(), tmp_path / f"damaged{''.join(whole.suffixes)}"
    refused = 0
    for number in range(MUTATIONS):
        path.write_bytes(mutated(content, number))
        try:
            read_checkpoint(path)
        except InputError as fault:
            refused += 1
            assert str(fault).startswith(f"{path}: ")
            assert "\n" not in str(fault)
    assert refused > MUTATIONS // 10
