from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import resnet18

from flowfeat.errors import FormatError, InputError
from flowfeat.weights.containers import Contents
from recognition.networks import NETWORKS, NetworkName, build_network
from recognition.networks import imagenet as imagenet_module
from recognition.networks.bn_inception import published_name
from recognition.networks.first_layer import average_over_colour, first_convolution


@given(st.integers(1, 30), st.integers(0, 10_000))
def test_colour_is_averaged_and_repeated(channels: int, seed: int):
    weight = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(seed))
    flow = average_over_colour(weight, channels)
    grey = torch.randn(1, 1, 2, 2, generator=torch.Generator().manual_seed(seed + 1))
    # What is the same in all channels gives the same answer as grey does, but for how many channels there are.
    of_colour = nn.functional.conv2d(grey.expand(1, 3, 2, 2), weight) / 3
    of_flow = nn.functional.conv2d(grey.expand(1, channels, 2, 2), flow) / channels
    assert torch.allclose(of_colour, of_flow, atol=1e-5)
    assert all(torch.equal(flow[:, 0], flow[:, c]) for c in range(channels))


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(resnet18(weights=None).state_dict(), path)
    return path


def test_a_torchvision_file_for_colour_is_taken_as_it_is(resnet_file: Path):
    network, state = build_network("resnet18", 3, 7, 0.5, resnet_file), torch.load(resnet_file)
    loaded = network.state_dict()
    for name, tensor in state.items():
        if not name.startswith("fc."):
            assert torch.equal(loaded[name], tensor)
    assert loaded["fc.1.weight"].shape == (7, 512)


def test_a_torchvision_file_for_flow_has_its_first_layer_averaged(resnet_file: Path):
    network, state = build_network("resnet18", 20, 7, 0.5, resnet_file), torch.load(resnet_file)
    assert torch.allclose(first_convolution(network).weight[:, 13], state["conv1.weight"].mean(1))
    assert torch.equal(network.state_dict()["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])


def test_averaged_weights_answer_grey_as_torchvision_does(resnet_file: Path):
    """Colour that is grey, and a stack of one field three times, are the same to the two networks."""
    reference = resnet18(weights=None)
    reference.load_state_dict(torch.load(resnet_file))
    network = build_network("resnet18", 6, 1000, 0.0, resnet_file).eval()
    last = network.get_submodule("fc.1")
    last.load_state_dict(reference.fc.state_dict())
    grey = torch.randn(1, 1, 64, 64)
    expected = reference.eval()(grey.expand(1, 3, 64, 64))
    assert torch.allclose(network(grey.expand(1, 6, 64, 64) / 2), expected, atol=1e-4)


def test_safetensors_and_old_files_without_batch_counts_are_read(resnet_file: Path, tmp_path: Path):
    state = {k: v for k, v in torch.load(resnet_file).items() if not k.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "resnet18.safetensors")
    network = build_network("resnet18", 10, 7, 0.5, tmp_path / "resnet18.safetensors")
    assert torch.equal(network.state_dict()["bn1.running_var"], state["bn1.running_var"])


def test_a_file_of_ours_with_the_same_input_is_taken_as_it_is(tmp_path: Path):
    trained = build_network("small-vgg", 20, 8, 0.5)
    save_file({k: v.contiguous() for k, v in trained.state_dict().items()}, tmp_path / "run.safetensors")
    network = build_network("small-vgg", 20, 3, 0.5, tmp_path / "run.safetensors")
    assert torch.equal(first_convolution(network).weight, first_convolution(trained).weight)
    with pytest.raises(InputError, match=r"features.0.weight is \(32, 20, 3, 3\) and should be \(32, 10, 3, 3\)"):
        build_network("small-vgg", 10, 3, 0.5, tmp_path / "run.safetensors")


def as_published(network: nn.Module) -> OrderedDict[str, Tensor]:
    """The state as the TSN authors' file has it: flat names, vectors of batch normalisation as (1, n)."""
    return OrderedDict(
        (published_name(name), tensor[None] if ".bn." in name and tensor.ndim == 1 else tensor)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    )


def test_the_tsn_authors_bn_inception_is_read_with_its_colours_turned_round(tmp_path: Path):
    source = build_network("bn-inception", 3, 1000, 0.0)
    state = as_published(source)
    for name in (
        "conv1_7x7_s2.weight",
        "conv1_7x7_s2_bn.running_mean",
        "conv2_3x3_reduce.bias",
        "inception_3a_1x1.weight",
        "inception_3a_double_3x3_1_bn.bias",
        "inception_3c_double_3x3_2.weight",
        "inception_4e_3x3_reduce_bn.running_var",
        "inception_5b_pool_proj.weight",
        "fc.weight",
    ):
        assert name in state
    torch.save(state, tmp_path / "bn_inception.pth")
    network = build_network("bn-inception", 3, 101, 0.0, tmp_path / "bn_inception.pth")
    loaded, expected = network.state_dict(), source.state_dict()
    for name, tensor in expected.items():
        if not name.startswith("fc."):
            right = tensor.flip(1) if name == "conv1_7x7_s2.conv.weight" else tensor
            assert torch.equal(loaded[name], right), name


def test_a_snapshot_of_tsn_pytorch_is_read(tmp_path: Path):
    source = build_network("bn-inception", 10, 101, 0.0)
    state = OrderedDict((f"module.base_model.{k}", v) for k, v in as_published(source).items() if k[:3] != "fc.")
    state |= {"module.new_fc.weight": torch.zeros(101, 1024), "module.new_fc.bias": torch.zeros(101)}
    torch.save({"epoch": 3, "arch": "BNInception", "state_dict": state}, tmp_path / "flow.pth.tar")
    network = build_network("bn-inception", 10, 8, 0.7, tmp_path / "flow.pth.tar")
    assert torch.equal(first_convolution(network).weight, first_convolution(source).weight)


def test_caffes_cnn_m_2048_is_read_from_its_blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shapes = {"conv1": (96, 3, 7, 7), "conv2": (256, 96, 5, 5), "conv3": (512, 256, 3, 3)}
    shapes |= {"conv4": (512, 512, 3, 3), "conv5": (512, 512, 3, 3)}
    shapes |= {"fc6": (1, 1, 4096, 18432), "fc7": (1, 1, 2048, 4096), "fc8": (1, 1, 1000, 2048)}
    colours = torch.rand(shapes["conv1"])
    blobs = {f"{layer}/0": torch.zeros(()).expand(shape) for layer, shape in shapes.items()} | {"conv1/0": colours}
    blobs |= {f"{layer}/1": torch.tensor(0.25).expand(max(shape[0], shape[-2])) for layer, shape in shapes.items()}
    # 400 MB are neither written nor drawn at random for this.
    monkeypatch.setattr(imagenet_module, "read_contents", lambda path: Contents("caffemodel", blobs))
    monkeypatch.setattr(nn.init, "kaiming_normal_", lambda tensor, **_: tensor)
    monkeypatch.setattr(nn.init, "kaiming_uniform_", lambda tensor, **_: tensor)
    network = build_network("cnn-m-2048", 3, 101, 0.9, tmp_path / "cnn_m.caffemodel")
    assert torch.equal(first_convolution(network).weight, colours.flip(1))
    state = network.state_dict()
    assert not state["fc6.weight"].any()
    assert state["fc7.bias"].eq(0.25).all()
    assert state["fc8.weight"].shape == (101, 2048)
    assert state["fc8.weight"].any()


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape", "nan", "network", "text", "no file"])
def test_wrong_files_are_refused_in_one_sentence(resnet_file: Path, tmp_path: Path, fault: str):
    state, path, name = dict(torch.load(resnet_file)), tmp_path / "weights.pth", "resnet18"
    if fault == "missing":
        del state["layer2.0.conv1.weight"]
    elif fault == "unknown":
        state["layer5.weight"] = torch.zeros(3)
    elif fault == "shape":
        state["layer1.0.conv1.weight"] = torch.zeros(64, 64, 1, 1)
    elif fault == "nan":
        state["layer1.0.conv1.weight"] = torch.full((64, 64, 3, 3), float("nan"))
    elif fault == "network":
        name = "resnet50"
    torch.save(state, path)
    if fault == "text":
        path.write_text("weights")
    elif fault == "no file":
        path.unlink()
    said = {
        "missing": r"not weights of resnet18: layer2.0.conv1.weight is missing",
        "unknown": r"it has no layer5.weight \(1 such\)",
        "shape": r"layer1.0.conv1.weight is \(64, 64, 1, 1\) and should be \(64, 64, 3, 3\)",
        "nan": r"layer1.0.conv1.weight holds numbers that are not finite",
        "network": r"not weights of resnet50: layer1.0.conv1.weight is|not weights of resnet50: layer1.0",
        "text": r"this is no checkpoint",
        "no file": r"there is no such file",
    }[fault]
    with pytest.raises(InputError, match=said) as caught:
        build_network(name, 20, 5, 0.5, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, FormatError) == (fault in ("nan", "text"))


def test_imagenet_weights_are_fetched_once_from_torchvision(
    resnet_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def fetch(published: imagenet_module.PublishedFile, folder: Path) -> Path:
        asked.append(f"{published.url} {published.sha256_prefix} {folder}")
        return resnet_file

    monkeypatch.setenv("FLOWFEAT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(imagenet_module, "download", fetch)
    network = build_network("resnet18", 20, 5, 0.5, "imagenet")
    assert asked == [f"https://download.pytorch.org/models/resnet18-f37072fd.pth f37072fd {tmp_path}"]
    assert torch.equal(network.state_dict()["bn1.weight"], torch.load(resnet_file)["bn1.weight"])


def test_the_addresses_are_torchvisions():
    from torchvision import models

    for name, stem in imagenet_module._TORCHVISION.items():
        weights = models.get_model_weights(name)["IMAGENET1K_V1"]
        assert weights.url == f"https://download.pytorch.org/models/{stem}.pth"


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLOWFEAT_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(
        InputError, match=r"cannot be fetched .* download it elsewhere and give the file with --weights"
    ):
        build_network("resnet50", 20, 5, 0.5, "imagenet")


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in imagenet_module._TORCHVISION])
def test_networks_without_published_weights_say_so(name: NetworkName):
    with pytest.raises(InputError, match=f"{name}: torchvision publishes no ImageNet weights of it"):
        imagenet_module.load_weights(nn.Identity(), name, "imagenet")
