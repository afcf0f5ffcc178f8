"""Training stacks and test views of clips in a store, for torch's loader and its worker processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.utils.data import Dataset

from flowfeat.errors import InputError
from flowfeat.store import StoredClip
from recognition.datasets import LabelledClip, SplitInStore
from recognition.datasets.split import refuse_empty_classes
from recognition.presets import FlowInput
from recognition.stacks.crops import crops_of_view, random_window, resample, resampled_size, stack_channels_last
from recognition.stacks.loading import load
from recognition.stacks.reading import positions, read_rgb, read_stored
from recognition.stacks.sampling import random_start, segment_starts, spaced_starts
from recognition.stacks.settings import Crops, StackSettings
from recognition.stacks.transforms import colour_input, flip_frames, flow_input
from recognition.stacks.window import Window

Drawn = Literal["class", "clip"]
"""How training clips are drawn: a class, all as likely, and one of its clips (Simonyan and Zisserman, 2014, section
4); or every clip once an epoch, in random order."""

_ORDER = 1


class TrainBatch(NamedTuple):
    """What a training step sees: stacks of each example, a stack for each segment, and labels."""

    stacks: Float32[Tensor, "b s c h w"]
    labels: Int64[Tensor, "b"]


class ViewBatch(NamedTuple):
    """Views to test: all crops of each, and which clip and which of its views it is."""

    stacks: Float32[Tensor, "b n c h w"]
    clips: Int64[Tensor, "b"]
    views: Int64[Tensor, "b"]


@dataclass(frozen=True)
class Example:
    """One training example: a clip, where its stacks begin, the window of the stored frames, and if it is mirrored."""

    clip: LabelledClip
    starts: tuple[int, ...]
    window: Window
    mirrored: bool


class TrainStacks(Dataset):
    """Training examples of a run, numbered from 0 without end: a batch of B at step n is n B to (n + 1) B - 1.

    An example is decided by the seed and its number alone, so a run resumes anywhere, on any number of processes.

    Args:
        where: the split in a store.
        clips: the clips to draw from: `where.split.train`, or a part of it.
        settings: what is read and how it is cut.
        seed: 0 or more.
        drawn: how clips are drawn.

    Raises InputError where a class has no clip.
    """

    def __init__(
        self, where: SplitInStore, clips: Sequence[LabelledClip], settings: StackSettings, seed: int, drawn: Drawn
    ):
        self.settings, self.clips = settings, tuple(clips)
        self._where, self._seed, self._by = where, seed, drawn
        classes = where.split.classes
        refuse_empty_classes(classes, self.clips)
        self._by_class = [[clip for clip in self.clips if clip.label == label] for label in range(len(classes))]
        self._epoch: tuple[int, list[int]] | None = None

    def clip(self, number: int) -> LabelledClip:
        """The clip that an example is of."""
        return self._drawn(number, self._rng(number))

    def example(self, number: int) -> Example:
        """What is drawn for an example, before anything of it is read. Raises InputError where its clip cannot be."""
        return self._opened(number)[1]

    def __getitem__(self, number: int) -> tuple[Float32[Tensor, "s c h w"], int]:
        """The stacks of the segments of an example, and its label. Raises InputError where they cannot be read."""
        clip, drawn = self._opened(number)
        side = self.settings.cropping.side
        stacks = [
            resample(network_input(clip, start, self.settings, drawn.window, drawn.mirrored), side, side)
            for start in drawn.starts
        ]
        # Stacking copies, which a single one is spared.
        return stacks[0][None] if len(stacks) == 1 else stack_channels_last(stacks), drawn.clip.label

    def _opened(self, number: int) -> tuple[StoredClip, Example]:
        rng = self._rng(number)
        chosen, settings, cropping = self._drawn(number, rng), self.settings, self.settings.cropping
        clip = self._where.store[self._where.key(chosen)]
        available = positions(clip, settings.stream)
        if settings.segments == 1:
            starts = [random_start(available, settings.length, rng)]
        else:
            starts = segment_starts(available, settings.length, settings.segments, rng)
        size = resampled_size(clip.height, clip.width, cropping.shorter_side)
        # Cut first and resample the window alone: at most half a pixel off, and less work than the whole frame.
        window = random_window(*size, cropping, rng).scaled(size, (clip.height, clip.width))
        return clip, Example(chosen, tuple(starts), window, cropping.flip and bool(rng.integers(2)))

    def _drawn(self, number: int, rng: np.random.Generator) -> LabelledClip:
        if self._by == "class":
            members = self._by_class[rng.integers(len(self._by_class))]
            return members[rng.integers(len(members))]
        epoch, place = divmod(number, len(self.clips))
        if self._epoch is None or self._epoch[0] != epoch:
            # numpy keeps the raw numbers of a bit generator between versions and `Generator.permutation` not.
            source = np.random.PCG64(np.random.SeedSequence([self._seed, epoch, _ORDER]))
            self._epoch = epoch, np.argsort(source.random_raw(len(self.clips)), kind="stable").tolist()
        return self.clips[self._epoch[1][place]]

    def _rng(self, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, number])))


class TestViews(Dataset):
    """The views of clips: `views` stacks with equal spacing of each clip, with all their crops.

    Views of one clip follow each other; `crops_of_view` tells the order of crops. Nothing is random and nothing is
    padded: processes that share the views take every n-th.
    """

    __test__ = False  # not a test of pytest

    def __init__(
        self, where: SplitInStore, clips: Sequence[LabelledClip], settings: StackSettings, views: int, crops: Crops
    ):
        if views < 1:
            raise InputError(f"{views} views: it must be 1 or more")
        self.settings, self.clips, self.views = settings, tuple(clips), views
        self.crops: Crops = crops
        self._where = where

    def __len__(self) -> int:
        return len(self.clips) * self.views

    def __getitem__(self, index: int) -> tuple[Float32[Tensor, "n c h w"], int, int]:
        """The crops of a view, its clip's place in `clips`, and which view it is. Raises InputError as reading does."""
        place, view = divmod(index, self.views)
        if not 0 <= index < len(self):
            raise IndexError(index)
        clip, settings = self._where.store[self._where.key(self.clips[place])], self.settings
        start = spaced_starts(positions(clip, settings.stream), settings.length, self.views)[view]
        size = resampled_size(clip.height, clip.width, settings.cropping.shorter_side)
        frame = Window(0, 0, clip.height, clip.width)
        whole = resample(network_input(clip, start, settings, frame), *size)
        return crops_of_view(whole, settings.cropping.side, self.crops, settings.stream), place, view


def network_input(
    clip: StoredClip, start: int, settings: StackSettings, window: Window, mirrored: bool = False
) -> Float32[Tensor, "c {window.height} {window.width}"]:
    """What a network is shown of a window of a clip from `start` on, in the stored frame's size.

    Raises InputError as reading does.
    """
    if isinstance(settings.input, FlowInput):
        return flow_input(read_stored(clip, start, settings.length), settings.input, window, mirrored)
    shown = colour_input(window.cut(read_rgb(clip, start)), settings.input)
    return flip_frames(shown) if mirrored else shown


def train_batches(
    stacks: TrainStacks, steps: range, batch: int, workers: int, rank: int = 0, of: int = 1, parts: int = 1
) -> Iterator[TrainBatch]:
    """This process's share of the batches of `steps`, each in `parts` that follow each other, made ahead by workers.

    Args:
        stacks: the examples.
        steps: from the first step to the one behind the last.
        batch: examples a step, of all processes together.
        workers: worker processes; 0 reads in this one.
        rank, of: which of how many processes this one is; it takes every `of`-th example of a batch.
        parts: how many parts a share is computed in, where gradients are accumulated.

    The stacks of a part are good until `parts` more have been asked for: their memory is then used again.

    Raises:
        InputError: the batch cannot be shared equally; in one sentence also where a worker cannot read a clip.
    """
    if batch % (of * parts):
        raise InputError(f"a batch of {batch} cannot be shared by {of} processes in {parts} parts each")
    share = batch // of // parts
    # One by one: a published schedule has 80,000 batches of 256.
    own = (range(step * batch + rank, (step + 1) * batch, of) for step in steps)
    numbers = (list(mine[part * share : (part + 1) * share]) for mine in own for part in range(parts))
    yield from (TrainBatch(*loaded) for loaded in load(stacks, numbers, workers, parts))


def view_batches(views: TestViews, batch: int, workers: int, rank: int = 0, of: int = 1) -> Iterator[ViewBatch]:
    """This process's share of all views, each exactly once over all processes, `batch` at a time; the last may be less.

    Views are cut into batches before they are shared, so a batch is the same whoever computes it. Its stacks are good
    until the next is asked for: their memory is then used again.

    Raises InputError in one sentence where a worker cannot read a clip.
    """
    starts = range(0, len(views), batch)[rank::of]
    numbers = [list(range(start, min(start + batch, len(views)))) for start in starts]
    yield from (ViewBatch(*loaded) for loaded in load(views, numbers, workers))
