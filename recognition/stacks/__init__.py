"""Stacks of flow, and frames, from a store to batches for a network."""

from recognition.stacks.dataset import Drawn, TestViews, TrainBatch, TrainStacks, ViewBatch, train_batches, view_batches
from recognition.stacks.reading import read_rgb
from recognition.stacks.settings import Crops, StackSettings

__all__ = [
    "Crops",
    "Drawn",
    "StackSettings",
    "TestViews",
    "TrainBatch",
    "TrainStacks",
    "ViewBatch",
    "read_rgb",
    "train_batches",
    "view_batches",
]
