"""What a network is before it has learnt anything: random, or random around a structure that already compares frames.

From random weights the family learns nothing for thousands of steps, until some filters begin to compare the frames;
on a CPU that is hours. A structured start skips them. It sets weights alone, the network is the paper's:

- Encoders of two frames hold a pyramid of matching costs. At each resolution one layer takes gradients of both frames,
  as pairs whose difference saturates, so that they tell directions and not contrasts, as the census transform does
  (Zabih and Woodfill, ECCV 1994); the next one takes their differences between the first frame and the second one
  moved by a pixel each way, as pairs of opposite sign, whose leaky ReLUs add up to an absolute value; the one after
  averages these to costs.
- The refinement begins at no motion and hands each level's flow up to the next one, upsampled bilinearly.
- A stage hands on the flow it is given, and the fusion the mean of its two.

Networks too narrow for that, which nobody trains but to try, stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from flowfeat.networks.blocks import SLOPE, Refinement
from flowfeat.networks.flownet_s import FlowNetS
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.fusion import Fusion

_PREDICTIONS = 0.1
"""How much smaller the layers that predict flow begin, so that a network begins near no motion."""

_SIGNS = 1 + SLOPE
"""What the leaky ReLUs of x and of -x differ by, for an x of 1: x itself comes back through two linear layers."""

_EDGE = 0.01
"""The gradient at which an edge counts as one, of frames in 0..1."""

_GAIN = 10.0
"""Of gradients, which are small, before they meet the other features."""

_COST = 10.0
"""Of matching costs: flow is small in units of 20 pixels, so it is read off them with weights that are soon learnt."""

_LEVEL = 4.0
"""Around which matching costs lie: the leaky ReLU leaves what is positive as it is."""

_BRIGHTNESS = 0.6
"""Added to frames that are carried along, whose mean was taken off: the leaky ReLU leaves what is positive as it is."""

_FLOW_CHANNELS = 4
"""That carry a flow through layers with leaky ReLUs: both components with both signs."""

_CROSS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_SQUARE = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x)
_MIDDLE = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1))
_SOBEL = {(y, x): x * (2 - abs(y)) / 4 for y, x in _MIDDLE}


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Normal weights that keep the variance through leaky ReLUs (He et al., ICCV 2015), as in the authors' training."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.kernel_size[0] * layer.kernel_size[1] * layer.in_channels
            if isinstance(layer, nn.ConvTranspose2d):
                taps //= layer.stride[0] * layer.stride[1]
            gain = (2 / (1 + SLOPE**2)) ** 0.5 * (_PREDICTIONS if "predict_flow" in name else 1.0)
            with torch.no_grad():
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * gain * taps**-0.5)
                if layer.bias is not None:
                    layer.bias.zero_()


@torch.no_grad()
def structure(network: nn.Module) -> None:
    """Give a single network of a composition, initialised at random, the structure that its place wants."""
    if isinstance(network, Fusion):
        _average_flows(network)
        return
    _hand_flow_up(network.get_submodule("refinement"))
    if isinstance(network, FlowNetSD):
        n = network
        stem = [n.conv0, n.conv1, n.conv1_1, n.conv2, n.conv2_1, n.conv3, n.conv3_1, n.conv4, n.conv4_1]
        _compare_frames(stem, (0, 1, 2), (3, 4, 5), 0)
    elif isinstance(network, FlowNetS):
        n = network
        stem = [n.conv1, n.conv2, n.conv3, n.conv3_1, n.conv4, n.conv4_1]
        stage = n.conv1.in_channels > 6
        warping = n.conv1.in_channels == 12
        # A stage with warping compares with the warped frame, which is the second one where the flow is nought.
        _compare_frames(stem, (0, 1, 2), (6, 7, 8) if warping else (3, 4, 5), _FLOW_CHANNELS if stage else 0)
        if stage:
            _pass_flow_through(n, n.conv1.in_channels - 3 if warping else n.conv1.in_channels - 2)


@dataclass
class _Matching:
    """Which channels of a layer's output are what.

    Attributes:
        costs: matching costs, one for each displacement of each resolution so far.
        differences: of each displacement, channels that will be averaged to one cost.
        gradients: of both frames, horizontal and vertical, each as the two channels whose difference saturates.
        frames: of both frames, channels whose mean is the brightness.
    """

    costs: list[int]
    differences: list[tuple[int, ...]]
    gradients: list[list[tuple[int, int]]]
    frames: tuple[Sequence[int], Sequence[int]] | None


def _compare_frames(layers: Sequence[nn.Conv2d], first: Sequence[int], second: Sequence[int], reserved: int) -> None:
    """The pyramid of matching costs in the layers of an encoder, the first two of which keep `reserved` outputs free.

    As far down as there are outputs; what a layer has left stays random.
    """
    found = _Matching([], [], [], (first, second))
    for depth, layer in enumerate(layers):
        found = _compared(layer, found, reserved if depth < 2 else 0, depth == 0)


def _compared(layer: nn.Conv2d, before: _Matching, output: int, at_input: bool) -> _Matching:
    near = ((0, 0),) if layer.stride[0] == 1 else _MIDDLE
    after = _Matching([], [], [], None)
    for cost in before.costs:
        _set(layer, output, {cost: 1 / len(near)}, near)
        after.costs.append(output)
        output += 1
    for parts in before.differences:
        # Less what all displacements of the resolution have in common, which texture and noise decide.
        common = {channel: -1 / len(before.differences) for others in before.differences for channel in others}
        own = {channel: common[channel] + 1 for channel in parts}
        factors = {channel: _COST / len(_MIDDLE) * value for channel, value in {**common, **own}.items()}
        _set(layer, output, factors, _MIDDLE)
        assert layer.bias is not None
        layer.bias[output] = _LEVEL
        after.costs.append(output)
        output += 1
    room = layer.out_channels - output - 2
    if before.frames is None or room < 8:
        return after
    if before.gradients:
        for displacement in _displacements(layer.kernel_size[0], room // 4):
            after.differences.append(_differences(layer, output, before.gradients, displacement))
            output += 4
    else:
        for frame in before.frames:
            after.gradients.append(_gradients(layer, output, frame))
            output += 4
    for frame in before.frames:
        _set(layer, output, {channel: 1 / len(frame) / len(_MIDDLE) for channel in frame}, _MIDDLE)
        if at_input and layer.bias is not None:
            layer.bias[output] = _BRIGHTNESS
        output += 1
    after.frames = (output - 2,), (output - 1,)
    return after


def _displacements(kernel: int, room: int) -> tuple[tuple[int, int], ...]:
    """As many as there is room for: by a pixel straight and not at all; further, or askew."""
    farther = tuple((2 * y, 2 * x) for y, x in _CROSS) if kernel > 3 else _SQUARE
    wanted = (*_CROSS, (0, 0), *(place for place in farther if place not in _CROSS))
    return wanted if room >= len(wanted) else wanted[: min(room, 5)]


def _gradients(layer: nn.Conv2d, output: int, frame: Sequence[int]) -> list[tuple[int, int]]:
    """Four outputs: the horizontal and the vertical gradient, each plus and minus what counts as an edge."""
    pairs = []
    for axis in (0, 1):
        for place, sign in enumerate((1.0, -1.0)):
            _set(layer, output + place, {}, ())
            for (y, x), factor in _SOBEL.items():
                tap = (y, x) if axis == 0 else (x, y)
                _add(layer, output + place, {channel: _GAIN * factor / len(frame) for channel in frame}, (tap,))
            assert layer.bias is not None
            layer.bias[output + place] = sign * _GAIN * _EDGE
        pairs.append((output, output + 1))
        output += 2
    return pairs


def _differences(
    layer: nn.Conv2d, output: int, gradients: list[list[tuple[int, int]]], displacement: tuple[int, int]
) -> tuple[int, ...]:
    """Four outputs: of both gradients, how much the first frame's and the moved second's differ, with both signs."""
    scale = 1 / (2 * _GAIN * _EDGE)
    outputs = []
    for (plus, minus), (other_plus, other_minus) in zip(*gradients, strict=True):
        for sign in (scale, -scale):
            _set(layer, output, {plus: sign, minus: -sign}, ((0, 0),))
            _add(layer, output, {other_plus: -sign, other_minus: sign}, (displacement,))
            outputs.append(output)
            output += 1
    return tuple(outputs)


def _hand_flow_up(refinement: nn.Module) -> None:
    """Each level begins as the one below, upsampled, and the coarsest one as no motion."""
    assert isinstance(refinement, Refinement)
    below = refinement.top
    coarsest = refinement.get_submodule(f"predict_flow{below}")
    assert isinstance(coarsest, nn.Conv2d)
    coarsest.weight.zero_()
    slope = torch.tensor([0.25, 0.75, 0.75, 0.25])
    for level in refinement.levels:
        upsampling = refinement.get_submodule(f"upsampled_flow{below}_to_{level}")
        assert isinstance(upsampling, nn.ConvTranspose2d)
        upsampling.weight.zero_()
        for axis in (0, 1):
            upsampling.weight[axis, axis] = slope[:, None] * slope
        inter = refinement._modules.get(f"inter_conv{level}")
        predict = refinement.get_submodule(f"predict_flow{level}")
        assert isinstance(predict, nn.Conv2d)
        reader = inter if isinstance(inter, nn.Conv2d) else predict
        predict.weight.zero_()
        below = level
        if reader.out_channels < 2:
            continue
        for axis in (0, 1):
            channel = reader.in_channels - 2 + axis
            reader.weight[:, channel] = 0.0
            if reader is not predict:
                _set(reader, axis, {channel: 1.0}, ((0, 0),))
                channel = axis
            _add(predict, axis, {channel: 1.0}, ((0, 0),))


def _pass_flow_through(stage: FlowNetS, flow: int) -> None:
    """The stage's finest flow begins as its input's, channels `flow` and the next, averaged over each 4x4 cell."""
    if stage.conv1.out_channels < _FLOW_CHANNELS:
        return
    # The cells' middles lie between pixels: each of two layers that halve the size averages two by two.
    between = tuple((y, x) for y in (0, 1) for x in (0, 1))
    for axis in (0, 1):
        for sign, output in ((1.0, 2 * axis), (-1.0, 2 * axis + 1)):
            _set(stage.conv1, output, {flow + axis: sign / 4}, between)
            pair = {2 * axis: sign / 4 / _SIGNS, 2 * axis + 1: -sign / 4 / _SIGNS}
            _set(stage.conv2, output, pair, between)
    predict = stage.refinement.get_submodule("predict_flow2")
    assert isinstance(predict, nn.Conv2d)
    for axis in (0, 1):
        _set(predict, axis, {2 * axis: 1 / _SIGNS, 2 * axis + 1: -1 / _SIGNS}, ((0, 0),))


def _average_flows(fusion: Fusion) -> None:
    """The fusion's finest flow begins as the mean of its inputs', channels 3, 4 and 5, 6."""
    inter, predict = (fusion.refinement.get_submodule(name) for name in ("inter_conv0", "predict_flow0"))
    assert isinstance(inter, nn.Conv2d)
    assert isinstance(predict, nn.Conv2d)
    if fusion.conv0.out_channels < _FLOW_CHANNELS or inter.out_channels < 2:
        return
    for axis in (0, 1):
        for sign, output in ((0.5, 2 * axis), (-0.5, 2 * axis + 1)):
            _set(fusion.conv0, output, {3 + axis: sign, 5 + axis: sign}, ((0, 0),))
        _set(inter, axis, {2 * axis: 1 / _SIGNS, 2 * axis + 1: -1 / _SIGNS}, ((0, 0),))
        _set(predict, axis, {axis: 1.0}, ((0, 0),))


def _set(layer: nn.Conv2d, output: int, channels: dict[int, float], taps: Sequence[tuple[int, int]]) -> None:
    """Let an output be a sum of inputs, each with its factor, over taps counted from the kernel's middle."""
    layer.weight[output].zero_()
    if layer.bias is not None:
        layer.bias[output] = 0.0
    _add(layer, output, channels, taps)


def _add(layer: nn.Conv2d, output: int, channels: dict[int, float], taps: Sequence[tuple[int, int]]) -> None:
    middle = layer.kernel_size[0] // 2
    for channel, factor in channels.items():
        for y, x in taps:
            layer.weight[output, channel, middle + y, middle + x] += factor
