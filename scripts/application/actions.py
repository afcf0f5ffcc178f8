"""Action recognition from a method's flow: the flow of UCF101's clips on disk, and the temporal stream on it."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import torch

from application.layout import Layout
from application.options import TableOptions
from application.results import Actions, Store
from application.speed import Progress
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.extraction import extract
from flowfeat.store import FlowStore
from flowfeat.store.records import runs_of_store
from flowfeat.store.writer import clip_path
from flowfeat.video import find_clips
from recognition.datasets import Split, find_in_store, open_annotations
from recognition.metrics import evaluate, wilson_interval
from recognition.scores import read_scores
from recognition.training import TrainingProgress
from recognition.two_stream import TwoStreamOptions, Watch, conduct, make_plan
from recognition.two_stream.parts import BaselinePart, RunPart

_READERS = 8
"""Processes that read stacks ahead for a GPU."""


def measure_store(options: TableOptions, model: str, decided_by: Mapping[str, str], progress: Progress) -> Store:
    """Extract the flow of every clip, and what that took. Raises InputError where none can be extracted."""
    assert options.ucf101 is not None
    home = Layout(options.out).store(model, decided_by)
    report = extract(
        [options.ucf101],
        options.extraction(model, home, torch.get_num_threads()),
        progress=lambda now: progress(now.clips_done, now.clips, "clips"),
    )
    if report.stopped is not None:
        if report.stopped.startswith("interrupted"):
            raise KeyboardInterrupt
        raise InputError(report.stopped)
    wanted = {clip.key for clip in find_clips([options.ucf101])}
    for key in FlowStore(home):
        if key not in wanted:  # the data had it once; who trains on the store would learn from it
            clip_path(home, key).unlink()
    store = FlowStore(home)
    headers = [store[key].header for key in store]
    if not headers:
        raise InputError(next(iter(report.failed.values()), f"{options.ucf101}: there is no clip in it"))
    reports = [record["report"] for _, record in runs_of_store(home) if "report" in record]
    pixels = [header.pairs * header.height * header.width for header in headers]
    (height, width), _ = Counter((header.height, header.width) for header in headers).most_common(1)[0]
    return Store(
        folder=home.relative_to(options.out).as_posix(),
        clips=len(headers),
        pairs=sum(header.pairs for header in headers),
        resize=options.resize,
        height=height,
        width=width,
        bytes=sum(clip_path(home, key).stat().st_size for key in store),
        clipped_share=sum(header.clipped_share * of for header, of in zip(headers, pixels, strict=True)) / sum(pixels),
        seconds=sum(each["seconds"] for each in reports),
        pairs_timed=sum(each["pairs"] for each in reports),
        failed=report.failed,
        fingerprint=report.fingerprint,
    )


def measure_actions(options: TableOptions, model: str, decided_by: Mapping[str, str], progress: Progress) -> Actions:
    """Train the temporal stream on the training clips of a split and test it on its test clips, once with each seed.

    Classes that lack training or test clips in the store are left out; `Actions.classes` are those that are not.

    Raises InputError where no class is left, or no training came to its end.
    """
    assert options.annotations is not None
    layout = Layout(options.out)
    whole, store = open_annotations(options.annotations, options.split), layout.store(model, decided_by)
    classes = _classes_with_clips(whole, store)
    plan = make_plan(
        TwoStreamOptions(
            store=store,
            annotations=options.annotations,
            presets=(options.temporal,),
            splits=(options.split,),
            seeds=options.seeds,
            classes=() if classes == whole.classes else classes,
            folds=0,
            allow_missing=True,
            steps=options.steps,
        )
    )
    home = layout.actions(model, decided_by)
    device = resolve_device(options.device)
    # A GPU would wait for stacks; on a CPU the cores are busy with other measurements already.
    workers = 0 if device.type == "cpu" else min(_READERS, os.cpu_count() or 1)
    found = conduct(plan, home, device, workers, _watch(progress))
    assert found is not None, "this is the only process"
    failed = {part.part: part.failed for part in found.failed if part.failed is not None}
    runs = {seed: RunPart(options.split, "temporal", seed) for seed in options.seeds}
    done = {seed: evaluate(read_scores(home / run.scores)) for seed, run in runs.items() if str(run) not in failed}
    if not done:
        raise InputError(next(iter(failed.values())))
    first = next(iter(done.values()))
    accuracy = fmean(each.accuracy for each in done.values())
    data = plan.data[options.split].where.split
    histogram = BaselinePart(options.split)
    return Actions(
        preset=options.preset,
        steps=plan.runs[0].settings.steps,
        split=options.split,
        seeds=tuple(done),
        accuracies=tuple(each.accuracy for each in done.values()),
        mean_class_accuracies=tuple(each.mean_class_accuracy for each in done.values()),
        accuracy=accuracy,
        interval=wilson_interval(round(accuracy * first.clips), first.clips),
        top5=fmean(each.top5 for each in done.values()),
        baseline=None if str(histogram) in failed else evaluate(read_scores(home / histogram.scores)).accuracy,
        clips_trained=len(data.train),
        clips=first.clips,
        of_clips_trained=len(whole.train),
        of_clips=len(whole.test),
        missing=plan.missing,
        classes=data.classes,
        confusion=tuple(map(tuple, first.confusion.tolist())),
        failed=failed,
    )


def _classes_with_clips(whole: Split, store: Path) -> tuple[str, ...]:
    """The classes that something can be learnt of and tested on."""
    there = find_in_store(whole, FlowStore(store), allow_missing=True).split
    both = {clip.label for clip in there.train} & {clip.label for clip in there.test}
    if len(both) < 2:
        raise InputError(
            f"{store}: of {len(both)} classes of {whole.dataset} split {whole.number} there are both training and test "
            "clips, and two are the least; give more of the data set"
        )
    return tuple(name for label, name in enumerate(there.classes) if label in both)


def _watch(progress: Progress) -> Watch:
    @contextmanager
    def training() -> Iterator[Callable[[TrainingProgress], None]]:
        yield lambda now: progress(now.step, now.steps, "steps")

    @contextmanager
    def counting(what: str) -> Iterator[Callable[[int, int | None], None]]:
        yield lambda done, total: progress(done, total, what)

    return Watch(training=training, counting=counting)
