"""Every preset's training loss falls to half on eight clips: its network, input, loss and optimiser, on small crops."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fixture_two_classes import options, write_two_classes
from torch import nn
from torchvision.models.resnet import Bottleneck

from flowfeat.training.distributed import Processes
from recognition.networks import build_network
from recognition.presets import PRESETS, Preset
from recognition.schedules import Schedule
from recognition.training import RunFolder
from recognition.training.data import open_data
from recognition.training.run import _batches, settings_of_run, starting_network
from recognition.training.trainer import Trainer

STEPS = 8

# Crops of less than half the side, and rates at which so few steps suffice for networks that know nothing of ImageNet.
SIDES = {"cnn-m-2048": 96, "resnet50": 42, "bn-inception": 64}
RATES = {"cnn-m-2048": 2e-4, "resnet50": 1e-3, "bn-inception": 2e-4, "resnet18": 6e-3, "small-vgg": 0.02}


@pytest.fixture(scope="module")
def eight_clips(tmp_path_factory) -> tuple[Path, Path]:
    """A store and lists with four training clips of each of two classes."""
    store, lists = write_two_classes(tmp_path_factory.mktemp("eight"))
    training = lists / "trainlist01.txt"
    kept = [line for line in training.read_text().splitlines(True) if "_g03_" in line or "_g04_" in line]
    training.write_text("".join(kept))
    return store, lists


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_loss_falls_to_half(eight_clips, tmp_path, name):
    losses = first_losses(*eight_clips, tmp_path, name)
    assert min(losses[-3:]) < losses[0] / 2, losses


def first_losses(store: Path, lists: Path, folder: Path, name: str) -> list[float]:
    """The losses of the temporal stream's first steps, each on all eight clips."""
    preset = next(preset for preset in PRESETS[name] if preset.stream == "temporal")
    side = SIDES.get(preset.network, 56)
    cropping = replace(preset.cropping, shorter_side=side * 8 // 7, side=side)
    schedule = Schedule(iterations=STEPS, rate=RATES[preset.network])
    preset = replace(
        preset, cropping=cropping, schedule=schedule, batch=8, drawn="clip", dropout=min(preset.dropout, 0.5)
    )
    weights = None
    if preset.initial == "imagenet":
        weights = folder / "weights.pth"
        torch.save(_seen_something(preset), weights)
    asked = options(store, lists, preset, weights=weights)
    data = open_data(store, lists, 1, (), None, False)
    settings, processes = settings_of_run(asked, data), Processes(torch.device("cpu"))
    assert settings.clips_trained == 8
    batches = _batches(settings, data, processes, 0)
    network = starting_network(settings, weights, goes_on=False)
    trainer = Trainer(settings, RunFolder(folder / "run"), network, batches, None, processes)
    return [float(trainer._learn(step, parts)[0][0]) / 8 for step, parts in batches(0, STEPS)]


def _seen_something(preset: Preset) -> dict[str, torch.Tensor]:
    """In place of ImageNet's weights: random ones whose batch normalisations have seen images."""
    torch.manual_seed(0)
    network = build_network(preset.network, 3, 10, 0.0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
        if isinstance(module, Bottleneck):
            # Branches that are small beside their shortcuts, as in networks that were trained.
            nn.init.constant_(module.bn3.weight, 0.2)
    with torch.no_grad():
        network.train()(torch.randn(8, 3, preset.cropping.side, preset.cropping.side))
    return network.state_dict()
