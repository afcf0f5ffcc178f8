import json
from dataclasses import replace

import pytest
import torch

from flowfeat.errors import InputError
from flowfeat.typed_json import json_bytes, typed
from recognition.networks import build_network
from recognition.networks.first_layer import first_convolution
from recognition.presets import PRESETS, ColourInput, FlowInput, Preset, Stream, Views, find_preset

ALL = [preset for streams in PRESETS.values() for preset in streams]


# The table of the specification: L, segments, network, initial, dropout, bound, mean, views.
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("fn2-table5", (5, 1, "cnn-m-2048", "scratch", 0.9, None, "field", Views(stacks=25, crops=10))),
        ("two-stream-2014", (10, 1, "cnn-m-2048", "scratch", 0.9, None, "field", Views(stacks=25, crops=10))),
        ("tsn", (5, 3, "resnet50", "imagenet", 0.7, 20.0, "constant", Views(stacks=25, crops=10))),
        ("tsn-bn-inception", (5, 3, "bn-inception", "imagenet", 0.7, 20.0, "constant", Views(stacks=25, crops=10))),
        ("quick", (10, 3, "small-vgg", "scratch", 0.5, 20.0, "field", Views(stacks=25, crops=1))),
        ("quick-imagenet", (10, 3, "resnet18", "imagenet", 0.5, 20.0, "field", Views(stacks=25, crops=1))),
    ],
)
def test_temporal_streams_are_those_of_the_table(name: str, row: tuple[object, ...]):
    p = find_preset(name, "temporal")
    assert isinstance(p.input, FlowInput)
    assert (p.length, p.segments, p.network, p.initial, p.dropout, p.input.bound, p.input.mean, p.views) == row


@pytest.mark.parametrize(
    ("name", "stream", "batch", "iterations", "rates"),
    [
        ("fn2-table5", "temporal", 256, 80_000, {0: 1e-2, 50_000: 1e-3, 70_000: 1e-4}),
        ("two-stream-2014", "temporal", 256, 80_000, {49_999: 1e-2, 50_000: 1e-3, 69_999: 1e-3, 79_999: 1e-4}),
        ("two-stream-2014", "spatial", 256, 20_000, {13_999: 1e-2, 14_000: 1e-3}),
        ("tsn", "temporal", 256, 20_000, {0: 5e-3, 12_000: 5e-4, 18_000: 5e-5}),
        ("tsn", "spatial", 256, 4_500, {0: 1e-3, 2_000: 1e-4, 4_000: 1e-5}),
        ("tsn-bn-inception", "temporal", 256, 20_000, {0: 5e-3, 12_000: 5e-4, 18_000: 5e-5}),
    ],
)
def test_published_batches_and_rates(name: str, stream: Stream, batch: int, iterations: int, rates: dict[int, float]):
    preset = find_preset(name, stream)
    assert (preset.batch, preset.schedule.iterations, preset.optimiser.momentum) == (batch, iterations, 0.9)
    for step, rate in rates.items():
        assert preset.schedule.at(step) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("preset", ALL, ids=lambda preset: f"{preset.name}-{preset.stream}")
def test_every_network_is_made_for_its_presets_input(preset: Preset):
    assert preset.channels == (3 if preset.stream == "spatial" else {5: 10, 10: 20}[preset.length])
    assert preset.cropping.side == {"quick": 56, "quick-imagenet": 112}.get(preset.name, 224)
    # The margin of 2014: crops of 224 in frames of 256, and a half and a quarter of both.
    assert preset.cropping.shorter_side * 7 == preset.cropping.side * 8
    with torch.device("meta"):
        network = build_network(preset.network, preset.channels, 101, preset.dropout)
    assert first_convolution(network).in_channels == preset.channels
    assert isinstance(preset.input, ColourInput) == (preset.stream == "spatial")


def test_quick_sees_crops_of_112_pixels():
    preset = find_preset("quick", "temporal")
    network = build_network(preset.network, preset.channels, 8, preset.dropout).eval()
    assert network(torch.zeros(1, 20, 112, 112)).shape == (1, 8)


def test_tsns_extras():
    temporal, spatial = find_preset("tsn", "temporal"), find_preset("tsn", "spatial")
    assert (temporal.cropping.scales, spatial.cropping.scales) == ((1.0, 0.875, 0.75), (1.0, 0.875, 0.75, 0.66))
    assert (temporal.optimiser.first_layer_rate, spatial.optimiser.first_layer_rate) == (5.0, 1.0)
    for preset in (temporal, spatial):
        assert preset.partial_batch_norm
        assert preset.cropping.placement == "corners"
        assert (preset.averaged, preset.metric) == ("logits", "mean_class_accuracy")
    assert (spatial.fusion_weight, temporal.fusion_weight) == (1.0, 1.5)
    assert replace(
        find_preset("tsn-bn-inception", "temporal"), name="tsn", network="resnet50", input=temporal.input
    ) == (temporal)


def test_table_5_is_the_temporal_stream_of_2014_with_a_shorter_stack():
    two_stream = find_preset("two-stream-2014", "temporal")
    assert replace(two_stream, name="fn2-table5", length=5, fusion=()) == find_preset("fn2-table5", "temporal")
    assert two_stream.fusion == ("average", "svm")
    assert two_stream.cropping.scales is None
    assert (two_stream.drawn, two_stream.averaged) == ("class", "softmax")


def test_a_pixel_of_flow_is_what_it_was_in_eight_bits():
    """20 pixels were level 255, none 127.5; torchvision's networks saw levels / 255 / 0.226 (the mean deviation)."""
    inputs = {name: find_preset(name, "temporal").input for name in ("tsn-bn-inception", "tsn")}
    scales = {name: of.scale for name, of in inputs.items() if isinstance(of, FlowInput)}
    assert 20 * scales["tsn-bn-inception"] == 127.5
    assert 20 * scales["tsn"] == pytest.approx(0.5 / 0.226)


def test_colour_is_what_the_networks_were_trained_on():
    from torchvision.models import ResNet50_Weights

    transforms, colour = ResNet50_Weights.IMAGENET1K_V1.transforms(), find_preset("tsn", "spatial").input
    assert isinstance(colour, ColourInput)
    assert [level / 255 for level in colour.mean] == pytest.approx(transforms.mean)
    assert [level / 255 for level in colour.std] == pytest.approx(transforms.std)


def test_unknown_presets_and_streams_are_refused():
    with pytest.raises(InputError, match="there is no such preset; there are fn2-table5, two-stream-2014, tsn"):
        find_preset("tsm", "temporal")
    with pytest.raises(InputError, match="fn2-table5: it has no spatial stream, only temporal"):
        find_preset("fn2-table5", "spatial")


@pytest.mark.parametrize("preset", ALL, ids=repr)
def test_every_preset_comes_back_from_its_record(preset: Preset):
    assert typed(Preset, json.loads(json_bytes(preset)), "it") == preset
