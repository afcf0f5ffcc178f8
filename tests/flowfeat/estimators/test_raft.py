"""torchvision's RAFT behind the protocol, with weights from a file. The published weights cannot be downloaded here."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.optical_flow import raft_small

from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return raft_small(weights=None).eval()


@pytest.fixture(scope="module")
def frames():
    return torch.randint(0, 256, (2, 2, 3, 130, 140), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("ending", [".pth", ".safetensors", "data_parallel.pth"])
def test_flow_equals_torchvisions_own(tmp_path, network, frames, ending):
    path = tmp_path / f"weights{ending}"
    state = network.state_dict()
    if ending == ".safetensors":
        save_file(state, path)
    else:
        torch.save({f"module.{k}" if "parallel" in ending else k: v for k, v in state.items()}, path)
    estimator = load_estimator("raft-small", weights=path, device="cpu")
    flow = estimator(frames)
    assert flow.shape == (2, 2, 130, 140)
    # torchvision's own preprocessing, and its documented padding to a multiple of 8.
    images = torch.nn.functional.pad((frames.flatten(0, 1) / 255 - 0.5) / 0.5, (0, 4, 0, 6), mode="replicate")
    with torch.inference_mode():
        expected = network(images[0::2], images[1::2], num_flow_updates=12)[-1][..., :130, :140]
    # A random network amplifies rounding over its 12 updates.
    assert torch.allclose(flow, expected, atol=1e-3 * float(expected.abs().max()))
    assert estimator.description.weights_sha256 is not None
    assert len(estimator.description.weights_sha256) == 64


def test_frames_below_128_pixels_work(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "w.pth")
    frames = torch.randint(0, 256, (1, 2, 3, 48, 64), dtype=torch.uint8)
    assert load_estimator("raft-small", tmp_path / "w.pth", "cpu")(frames).shape == (1, 2, 48, 64)


def test_a_checkpoint_that_would_run_code_is_refused_without_running_it(tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    path = tmp_path / "evil.pth"
    for dump in (
        lambda: torch.save({"weight": Harm()}, path),
        lambda: path.write_bytes(pickle.dumps(Harm())),
    ):
        dump()
        with pytest.raises(InputError, match=r"evil\.pth: this is not a checkpoint of plain tensors"):
            load_estimator("raft-small", path, "cpu")
        assert not (tmp_path / "harm").exists()


def test_weights_of_another_network_or_kind_are_named(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "small.pth")
    torch.save([1, 2, 3], tmp_path / "list.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(InputError, match=r"small\.pth: these are not weights of raft-large"):
        load_estimator("raft-large", tmp_path / "small.pth", "cpu")
    with pytest.raises(InputError, match=r"list\.pth: a checkpoint of RAFT is a table of tensors"):
        load_estimator("raft-small", tmp_path / "list.pth", "cpu")
    with pytest.raises(InputError, match=r"text\.pth: this is not a checkpoint"):
        load_estimator("raft-small", tmp_path / "text.pth", "cpu")
    with pytest.raises(FileNotFoundError):
        load_estimator("raft-small", tmp_path / "nowhere.pth", "cpu")


def test_without_network_the_sentence_says_where_the_weights_are(monkeypatch):
    from urllib.error import URLError

    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(
        InputError, match=r"weights of raft-small could not be downloaded .*; download .*\.pth elsewhere"
    ):
        load_estimator("raft-small", device="cpu")
