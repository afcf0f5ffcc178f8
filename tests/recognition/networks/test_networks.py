import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from flowfeat.errors import InputError
from recognition.networks import NETWORKS, NetworkName, build_network
from recognition.networks.bn_inception import BnInception
from recognition.networks.cnn_m_2048 import CnnM2048
from recognition.networks.first_layer import first_convolution


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# With 1000 classes and three channels: torchvision's own counts; 11,295,240 is what copies of the TSN authors' file
# hold. CNN-M-2048 is counted by hand below.
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("cnn-m-2048", 92_469_864),
        ("resnet18", 11_689_512),
        ("resnet50", 25_557_032),
        ("bn-inception", 11_295_240),
    ],
)
def test_parameter_counts_are_the_published_ones(name: NetworkName, published: int):
    with torch.device("meta"):
        assert parameters(build_network(name, 3, 1000, 0.5)) == published


def test_cnn_m_2048_counted_from_chatfields_table():
    convolutions = [(96, 3, 7), (256, 96, 5), (512, 256, 3), (512, 512, 3), (512, 512, 3)]
    full = [(4096, 512 * 6 * 6), (2048, 4096), (1000, 2048)]
    by_hand = sum(o * (i * k * k + 1) for o, i, k in convolutions) + sum(o * (i + 1) for o, i in full)
    with torch.device("meta"):
        assert parameters(build_network("cnn-m-2048", 3, 1000, 0.5)) == by_hand


def test_bn_inception_without_its_last_layer_has_10_3_million_parameters():
    with torch.device("meta"):
        network = build_network("bn-inception", 3, 1000, 0.5)
    assert parameters(network) - parameters(network.get_submodule("fc")) == 10_270_240


# ResNet-101 and -152 are ResNet-50 with more blocks, and slow to go through without numbers.
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_takes_stacks_of_224_pixels(name: NetworkName):
    with torch.device("meta"):
        network = build_network(name, 20, 101, 0.9).eval()
        assert network(torch.empty(2, 20, 224, 224)).shape == (2, 101)
        first, colour = first_convolution(network), first_convolution(build_network(name, 3, 101, 0.9))
    assert (first.in_channels, colour.in_channels) == (20, 3)
    assert (first.out_channels, first.kernel_size, first.stride) == (
        colour.out_channels,
        colour.kernel_size,
        colour.stride,
    )


def maps_of(network: nn.Module, layers: list[str], side: int) -> list[tuple[int, ...]]:
    """The shapes of what layers give for one crop."""
    shapes: list[tuple[int, ...]] = []
    for layer in layers:
        network.get_submodule(layer).register_forward_hook(lambda *of: shapes.append(tuple(of[2].shape[1:])))
    with torch.device("meta"), torch.no_grad():
        network(torch.empty(1, first_convolution(network).in_channels, side, side))
    return shapes


def test_maps_of_cnn_m_2048_are_caffes():
    with torch.device("meta"):
        network = build_network("cnn-m-2048", 20, 101, 0.9).eval()
    found = maps_of(network, ["conv1", "conv2", "conv5", "to_6x6"], 224)
    assert found == [(96, 109, 109), (256, 26, 26), (512, 13, 13), (512, 6, 6)]


def test_maps_of_bn_inception_are_those_of_figure_5():
    with torch.device("meta"):
        network = build_network("bn-inception", 10, 101, 0.7).eval()
    expected = {"3a": (256, 28), "3b": (320, 28), "3c": (576, 14), "4a": (576, 14), "4b": (576, 14), "4c": (608, 14)}
    expected |= {"4d": (608, 14), "4e": (1056, 7), "5a": (1024, 7), "5b": (1024, 7)}
    found = maps_of(network, [f"inception_{module}" for module in expected], 224)
    assert found == [(channels, side, side) for channels, side in expected.values()]


def test_an_inception_module_joins_its_branches_in_the_published_order():
    torch.manual_seed(0)
    network = BnInception(3, 2, 0.0).eval()
    module = network.get_submodule("inception_3a")
    maps = torch.rand(1, 192, 8, 8)

    def layer(name: str, x: Tensor) -> Tensor:
        conv, norm = module.get_submodule(f"{name}.conv"), module.get_submodule(f"{name}.bn")
        assert isinstance(conv, nn.Conv2d)
        return functional.relu(norm(functional.conv2d(x, conv.weight, conv.bias, padding=conv.kernel_size[0] // 2)))

    pooled = functional.avg_pool2d(functional.pad(maps, (1, 1, 1, 1)), 3, stride=1)  # Caffe counts the border
    joined = [layer("one", maps), layer("three.1", layer("three.0", maps))]
    joined += [layer("double_three.2", layer("double_three.1", layer("double_three.0", maps)))]
    joined += [layer("pooled.1", pooled)]
    assert torch.allclose(module(maps), torch.cat(joined, 1), atol=1e-6)


def test_bn_inception_names_the_sides_it_takes():
    with pytest.raises(ValueError, match=r"multiples of 32, not \(112, 112\)"):
        BnInception(3, 2, 0.0).eval()(torch.zeros(1, 3, 112, 112))


def test_only_the_spatial_cnn_m_2048_normalises_twice():
    assert [normalisations(channels) for channels in (3, 20)] == [2, 1]


def normalisations(channels: int) -> int:
    with torch.device("meta"):
        network = build_network("cnn-m-2048", channels, 101, 0.9).eval()
        assert isinstance(network, CnnM2048)
        calls: list[int] = []
        network.normalise.register_forward_hook(lambda *_: calls.append(1))
        network(torch.empty(1, channels, 224, 224))
    return len(calls)


def test_the_normalisation_is_caffes():
    """x / (k + alpha / n * sum of squares over n channels) ** beta, with n = 5."""
    with torch.device("meta"):
        normalise = build_network("cnn-m-2048", 3, 2, 0.0).get_submodule("normalise")
    x = 30 * torch.randn(1, 7, 1, 1, generator=torch.Generator().manual_seed(0))
    got, squares = normalise(x).flatten(), x.flatten() ** 2
    for c in range(7):
        scale = (2 + 5e-4 / 5 * squares[max(0, c - 2) : c + 3].sum()) ** 0.75
        assert got[c] == pytest.approx(float(x.flatten()[c] / scale), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "dropouts"),
    [("cnn-m-2048", 1), ("resnet50", 1), ("small-vgg", 1), ("bn-inception", 1)],
)
def test_dropout_is_the_one_asked_for(name: NetworkName, dropouts: int):
    with torch.device("meta"):
        network = build_network(name, 10, 5, 0.85)
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.85] * dropouts


def test_the_small_vgg_has_a_million_parameters_and_halves_its_maps_four_times():
    with torch.device("meta"):
        network = build_network("small-vgg", 20, 8, 0.5)
        assert network.get_submodule("features")(torch.empty(1, 20, 56, 72)).shape == (1, 256, 3, 4)
    widths = [(m.in_channels, m.out_channels, *m.kernel_size) for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert widths == [(20, 32, 3, 3), (32, 64, 3, 3), (64, 128, 3, 3), (128, 256, 3, 3), (256, 256, 3, 3)]
    # 9 weights for each pair of channels, a scale and a shift of each channel, and the classifier.
    pairs = sum(inputs * outputs for inputs, outputs, *_ in widths)
    assert parameters(network) == 9 * pairs + 2 * (32 + 64 + 128 + 256 + 256) + 8 * 257 == 986_184


def test_small_crops_train():
    torch.manual_seed(0)
    network = build_network("small-vgg", 4, 3, 0.0)
    stacks, labels = torch.randn(6, 4, 32, 32), torch.arange(6) % 3
    optimiser = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    losses = []
    for _ in range(8):
        loss = functional.cross_entropy(network(stacks), labels)
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[0] == pytest.approx(1.0986, abs=0.02)  # even scores at first
    assert losses[-1] < losses[0] / 2


def test_a_seed_gives_the_same_weights_and_a_copy_the_same_scores():
    torch.manual_seed(3)
    first = build_network("bn-inception", 4, 3, 0.5).eval()
    torch.manual_seed(3)
    second = build_network("bn-inception", 4, 3, 0.5).eval()
    stacks = torch.randn(1, 4, 32, 32)
    assert torch.equal(first(stacks), second(stacks))
    assert torch.equal(first(stacks), copy.deepcopy(first)(stacks))


@pytest.mark.parametrize(
    ("channels", "classes", "dropout"), [(0, 5, 0.5), (10, 1, 0.5), (10, 5, 1.0), (10, 5, -0.1), (10, 5, float("nan"))]
)
def test_impossible_networks_are_refused(channels: int, classes: int, dropout: float):
    with pytest.raises(InputError, match="make no network"):
        build_network("resnet18", channels, classes, dropout)
