"""Batches of training pairs, each decided by its step's number alone, made ahead while the network is busy."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from flowfeat.datasets import FlowDataset, Mixture, open_dataset
from flowfeat.errors import InputError
from flowfeat.rendering import SETTINGS, Renderer
from flowfeat.training.augmentation import Batch, crop_geometrically, recolour
from flowfeat.training.configuration import RENDERED, Configuration, Data, Validation

_TEXTURES = 512
_HELD_OUT = 7_919
"""Added to the seed of a run for the pairs that it is validated on."""

_COLOURS = 1_000_000
"""Where the random numbers of colours begin, behind those of any pair's geometry."""

_AHEAD = 2


@dataclass(frozen=True)
class Place:
    """Which part of every batch this process makes: one of `of` equal parts."""

    rank: int = 0
    of: int = 1


class TrainingData:
    """The batches of a run. `batch(step)` depends on nothing that was asked before, so a run resumes anywhere."""

    def __init__(self, configuration: Configuration, roots: Mapping[str, Path], device: torch.device, place: Place):
        self._device, self._place = device, place
        self._crop, self._ranges, self._seed = configuration.crop, configuration.augmentation, configuration.seed
        for part in configuration.data:
            if part.pairs % place.of:
                raise InputError(f"{part.pairs} pairs of {part.dataset} a batch cannot be shared by {place.of} devices")
        stored = [part for part in configuration.data if part.dataset != RENDERED]
        self._mixture = Mixture([(_open(part, roots), part.pairs) for part in stored], self._seed) if stored else None
        self._renderers = [
            (_renderer(part.scenes, self._crop, self._seed + number, device), part.pairs // place.of)
            for number, part in enumerate(configuration.data)
            if part.dataset == RENDERED
        ]

    def batch(self, step: int) -> Batch:
        """This process's share of the batch of a step."""
        parts: list[Batch] = []
        if self._mixture is not None:
            drawn = self._mixture.batch(step)[self._place.rank :: self._place.of]
            parts += [self._sample(part, index, step, slot) for slot, (part, index) in enumerate(drawn)]
        for renderer, pairs in self._renderers:
            rendered = renderer.batch(step * self._place.of + self._place.rank, pairs)
            valid = torch.ones_like(rendered.occluded)
            parts.append(Batch(rendered.frames, rendered.flow, valid))
        frames, flow, valid = (
            torch.cat([getattr(part, name) for part in parts]) for name in ("frames", "flow", "valid")
        )
        colours = self._generator(step, _COLOURS + self._place.rank)
        return Batch(recolour(frames, self._ranges, colours), flow, valid)

    def batches(self, first: int, end: int) -> Iterator[tuple[int, Batch]]:
        """The batches of the steps from `first` up to `end`, made ahead by another thread."""
        with ThreadPoolExecutor(1, "batches") as pool:
            waiting: list[Future[Batch]] = []
            try:
                for step in range(first, end):
                    while len(waiting) < min(_AHEAD, end - step):
                        waiting.append(pool.submit(self.batch, step + len(waiting)))
                    yield step, waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    def _sample(self, part: int, index: int, step: int, slot: int) -> Batch:
        assert self._mixture is not None
        sample = self._mixture.parts[part][0][index]
        if sample.flow is None:
            raise InputError(f"{sample.name}: its flow is not public, so nothing can be learnt from it")
        frames = torch.from_numpy(sample.frames).to(self._device).permute(0, 3, 1, 2)
        flow, valid = torch.from_numpy(sample.flow).to(self._device), torch.from_numpy(sample.valid).to(self._device)
        generator = self._generator(step, slot * self._place.of + self._place.rank)
        return crop_geometrically(frames, flow, valid, self._crop, self._ranges, generator)

    def _generator(self, step: int, place: int) -> torch.Generator:
        number = (self._seed * 1_000_003 + step) * 2_000_003 + place
        return torch.Generator().manual_seed(number % 2**63)


class ValidationData(Sequence[Batch]):
    """The pairs that a run is measured on, whole and unchanged, one a batch."""

    def __init__(self, configuration: Configuration, roots: Mapping[str, Path], device: torch.device):
        asked = configuration.validation
        self._device = device
        self._dataset: FlowDataset | None = None
        if asked.dataset == RENDERED:
            self._renderer = _renderer(asked.scenes, configuration.crop, configuration.seed + _HELD_OUT, device)
            self._count = asked.pairs or 64
        else:
            dataset = _open(asked, roots)
            self._dataset = dataset[: asked.pairs] if asked.pairs else dataset
            self._count = len(self._dataset)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):  # type: ignore[override]
        """The pair with this number."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        if self._dataset is None:
            rendered = self._renderer.batch(index, 1)
            return Batch(rendered.frames, rendered.flow, torch.ones_like(rendered.occluded))
        sample = self._dataset[index]
        assert sample.flow is not None
        frames = torch.from_numpy(sample.frames).to(self._device).permute(0, 3, 1, 2).float() / 255
        flow, valid = torch.from_numpy(sample.flow).to(self._device), torch.from_numpy(sample.valid).to(self._device)
        return Batch(frames[None], flow[None], valid[None])


def _open(part: Data | Validation, roots: Mapping[str, Path]) -> FlowDataset:
    name = part.folder or part.dataset
    if name not in roots:
        layout = "" if name == part.dataset else f" in the layout of {part.dataset}"
        raise InputError(f"the configuration takes pairs of {name}{layout}: give its folder, --data {name}=DIR")
    return open_dataset(part.dataset, roots[name], part.split, part.rendering)


def _renderer(scenes: str | None, size: tuple[int, int], seed: int, device: torch.device) -> Renderer:
    assert scenes is not None
    return Renderer(SETTINGS[scenes], *size, seed=seed, device=device, textures=_TEXTURES)
