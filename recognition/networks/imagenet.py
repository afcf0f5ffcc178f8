"""Weights that a network begins with: a local file, or torchvision's weights of ImageNet."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from flowfeat.errors import FormatError, InputError
from flowfeat.weights.containers import read_contents
from flowfeat.weights.download import download, weights_folder
from flowfeat.weights.published import PublishedFile
from recognition.networks.bn_inception import published_name
from recognition.networks.first_layer import average_over_colour, first_convolution

# The weights of torchvision's first recipe (IMAGENET1K_V1), which are those that published systems began with.
_TORCHVISION = {
    "resnet18": "resnet18-f37072fd",
    "resnet50": "resnet50-0676ba61",
}

# Beginnings of the names of last layers, ours and those in published files: they are of other classes.
_LAST_LAYERS = {
    "cnn-m-2048": ("fc8.", "fc8/"),
    "bn-inception": ("fc.", "last_linear.", "new_fc.", "fc_action.", "fc-action."),
}
_LAST_LAYER = ("fc.",)


def load_weights(network: nn.Module, name: str, weights: Path | Literal["imagenet"]) -> None:
    """Give a network all weights of a file but those of the last layer.

    Files: torchvision's .pth of ResNets; .pth of the TSN authors' BN-Inception; .caffemodel of CNN-M-2048;
    .safetensors or .pth under our own names. A first layer for 3 channels is averaged and repeated where the network
    has another number.

    Args:
        network: of `build_network`.
        name: which one it is.
        weights: a file, or `imagenet` for the file that torchvision publishes.

    Raises:
        FormatError: the file is damaged, or would run code.
        InputError: the file is not there or not of this network, or cannot be fetched, or none is published.
    """
    path = _published(name) if weights == "imagenet" else weights
    found = {key.removeprefix("base_model."): value for key, value in read_contents(path).tensors.items()}
    last = _LAST_LAYERS.get(name, _LAST_LAYER)
    found = {key: value for key, value in found.items() if not key.startswith(last)}
    wanted = {key: value for key, value in network.state_dict().items() if not key.startswith(last)}
    theirs = _foreign_names(name, wanted, found)
    first = f"{_first_layer(network)}.weight"
    loaded: dict[str, Tensor] = {}
    for key, tensor in wanted.items():
        value = found.pop(theirs.get(key, key), None)
        if value is None:
            if key.endswith("num_batches_tracked"):  # newer than many files, and of no use
                continue
            raise InputError(f"{path}: these are not weights of {name}: {theirs.get(key, key)} is missing")
        if key == first and value.ndim == 4 and value.shape[1] == 3:
            if theirs:  # Caffe's networks were trained on blue, green and red
                value = value.flip(1)
            if tensor.shape[1] != 3:
                value = average_over_colour(value, tensor.shape[1])
        if value.squeeze().shape != tensor.squeeze().shape:  # Caffe's vectors are (1, n) or (1, 1, 1, n)
            raise InputError(
                f"{path}: these are not weights of {name}: {theirs.get(key, key)} is {tuple(value.shape)} and should "
                f"be {tuple(tensor.shape)}"
            )
        loaded[key] = value.reshape(tensor.shape)
    if found:
        raise InputError(f"{path}: these are not weights of {name}: it has no {next(iter(found))} ({len(found)} such)")
    bad = next((key for key, value in loaded.items() if not torch.isfinite(value).all()), None)
    if bad is not None:
        raise FormatError(f"{path}: {bad} holds numbers that are not finite; the file is damaged")
    network.load_state_dict(loaded, strict=False)


def _published(name: str) -> Path:
    stem = _TORCHVISION.get(name)
    if stem is None:
        raise InputError(
            f"{name}: torchvision publishes no ImageNet weights of it ({', '.join(_TORCHVISION)} have some); give a "
            "file with --weights, or choose a preset of another network"
        )
    url = f"https://download.pytorch.org/models/{stem}.pth"
    # torchvision's file names end in the beginning of the checksum.
    file = PublishedFile(url, stem.rpartition("-")[2], name, ("ImageNet",), {}, "BSD-3-Clause (torchvision)")
    return download(file, weights_folder())


def _foreign_names(name: str, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> dict[str, str]:
    """The name in the file of each tensor of ours; empty where the file has our names."""
    if name == "bn-inception" and "conv1_7x7_s2.weight" in found:
        return {key: published_name(key) for key in wanted}
    if name == "cnn-m-2048" and "conv1/0" in found:
        blobs = {"weight": 0, "bias": 1}
        return {key: f"{key.partition('.')[0]}/{blobs[key.partition('.')[2]]}" for key in wanted}
    return {}


def _first_layer(network: nn.Module) -> str:
    first = first_convolution(network)
    return next(name for name, module in network.named_modules() if module is first)
