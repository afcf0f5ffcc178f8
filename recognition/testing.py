"""Testing: each clip's scores, averaged over equally spaced stacks and their crops (25 x 10 where it is published)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from flowfeat.errors import InputError, StoreError
from flowfeat.training.distributed import join, leave
from recognition.datasets import LabelledClip
from recognition.presets import Views
from recognition.scores import Part, Scores, ScoreSettings
from recognition.stacks import StackSettings, TestViews
from recognition.training.data import RunData, open_data
from recognition.training.evaluation import scores_of_views
from recognition.training.run import starting_network
from recognition.training.run_folder import RunFolder, Session, Weights, WhichWeights
from recognition.training.settings import RunSettings, digest


@dataclass(frozen=True, kw_only=True)
class TestOptions:
    """What of a run is tested, and how.

    Attributes:
        views: what scores are averaged over; None for the preset's.
        part: `test` clips, those that were held out of training (`validation`), or those that were learnt from.
        which: weights after the last step, or those that were best on clips held out.
        store, annotations: where the run's data is now; None where the run found it.
        allow_missing: go on without clips that the store does not hold.
    """

    __test__ = False  # not a test of pytest

    views: Views | None = None
    part: Part = "test"
    which: WhichWeights = "last"
    store: Path | None = None
    annotations: Path | None = None
    allow_missing: bool = False


def score_run(
    run: Path,
    options: TestOptions | None = None,
    device: str | torch.device = "cpu",
    workers: int = 0,
    progress: Callable[[int, int | None], None] | None = None,
) -> Scores:
    """The scores of a run's clips, the same however many processes share the work; none of them is padded.

    Args:
        run: its folder.
        options: what is tested; test clips with the preset's views if not given.
        device: where, unless torchrun says it.
        workers: processes that read views ahead, for each of the processes.
        progress: called with the stacks that this process has done and is to do.

    Raises:
        InputError: there is no such run, its weights or its data are not there, the store holds other flow than it was
            trained on, or the annotations have other training clips, so that it could be tested on what it has learnt.
    """
    asked = options or TestOptions()
    folder = RunFolder(Path(run))
    record, weights = folder.record(), folder.read_weights(asked.which)
    settings, last = record.settings, record.sessions[-1]
    store, annotations = asked.store or last.store, asked.annotations or last.annotations
    data = open_data(store, annotations, settings.split, settings.classes, settings.fold, asked.allow_missing)
    if data.flow != settings.flow:
        raise StoreError(
            f"{store}: it holds other flow than the run was trained on ({data.flow.differences(settings.flow)}); give "
            "the run's store"
        )
    split = data.where.split
    if (split.dataset, split.classes) != (settings.dataset, settings.classes):
        raise InputError(f"{annotations}: the classes are not those of the run; give the lists that it was trained on")
    clips = _untouched(data, asked.part, settings, last, annotations)
    views = asked.views or settings.preset.views
    processes = join(torch.device(device))
    try:
        network = trained_network(weights).to(processes.device)
        stacks = TestViews(data.where, clips, StackSettings.of(settings.preset), views.stacks, views.crops)
        scores = scores_of_views(
            network, stacks, settings.preset, settings.precision, processes, workers, progress
        ).numpy()
    finally:
        leave(processes)
    return Scores(
        scores=scores,
        kind=settings.preset.averaged,
        clips=tuple(clip.name for clip in clips),
        groups=tuple(clip.source_video for clip in clips),
        labels=torch.tensor([clip.label for clip in clips]).numpy(),
        classes=settings.classes,
        settings=ScoreSettings(
            dataset=settings.dataset,
            split=settings.split,
            part=asked.part,
            stream=settings.preset.stream,
            preset=settings.preset.name,
            network=settings.preset.network,
            views=f"{views.stacks}x{views.crops}",
            flow=settings.flow.model if settings.preset.stream == "temporal" else None,
            seed=settings.seed,
            steps=weights.step,
            part_of=split.part_of,
            store=str(store.absolute()),
        ),
        fingerprint=settings.flow.fingerprint,
        missing=len(data.missing(asked.part)),
    )


def _untouched(
    data: RunData, part: Part, settings: RunSettings, last: Session, annotations: Path
) -> tuple[LabelledClip, ...]:
    """The clips of a part, none of which is of another part than when the run was trained.

    What a store holds may have changed since. The lists may not: a clip more in a folder of a class deals all clips of
    the class anew, and clips that were learnt from would be tested.
    """
    lacked = set(last.missing)
    learnt = [clip for clip in data.listed_clips("train") if clip.name not in lacked]
    if digest(learnt) != settings.clips_sha256:
        raise InputError(
            f"{annotations}: its training clips are not those that the run was trained on, so that clips it has learnt "
            "from could be among the tested; give the annotations as they were, or train another run"
        )
    found = data.clips(part)
    # One that the store lacked then was not learnt from, whatever the lists say.
    return tuple(clip for clip in found if clip.name not in lacked) if part == "train" else found


def trained_network(weights: Weights) -> nn.Module:
    """The network of a run with its weights, for testing. Raises InputError where they are of another network."""
    network = starting_network(weights.settings, None, goes_on=True)
    try:
        network.load_state_dict(weights.tensors)
    except RuntimeError:
        raise InputError(
            f"the weights of the run are not those of {weights.settings.preset.network}; train it again"
        ) from None
    return network.eval()


def parse_views(text: str) -> Views:
    """`25x10` is 25 stacks and 10 crops of each. Raises InputError where the text is none, or the crops not 1 or 10."""
    match = re.fullmatch(r"([1-9]\d{0,3})x(1|10)", text)
    if not match:
        raise InputError(f"--views {text}: write NxM, N stacks and M crops, 1 or 10, as 25x10 or 3x1")
    return Views(stacks=int(match[1]), crops=10 if match[2] == "10" else 1)
