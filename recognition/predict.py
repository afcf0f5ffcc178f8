"""Classes of somebody's own video: its flow is computed as that of the run's store was, its scores as in tests."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float64
from scipy.special import softmax

from flowfeat.errors import InputError, StoreError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.extraction import ExtractionOptions, Progress, extract
from flowfeat.store import FlowStore, StoreSettings
from flowfeat.store.settings import DEFAULT_BOUND, JPEG_QUALITY
from flowfeat.training.distributed import Processes
from flowfeat.video import find_clips
from recognition.datasets import LabelledClip, Split, SplitInStore
from recognition.presets import Views
from recognition.stacks import StackSettings, TestViews
from recognition.testing import trained_network
from recognition.training.evaluation import scores_of_views
from recognition.training.run_folder import RunFolder, Weights

_CLIPS_LOOKED_AT = 20


@dataclass(frozen=True)
class Prediction:
    """What a video shows.

    Attributes:
        video: its key: the path below the folder that was given, without its ending.
        classes: the most probable ones, the first of all.
        probabilities: of these, 0..1; networks are surer of themselves than they should be.
        frames: how many were decoded.
        repeated: how often its last field of flow was repeated, where it has fewer than a stack.
    """

    video: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    frames: int
    repeated: int


@dataclass(frozen=True)
class Predictions:
    """Of all videos.

    Attributes:
        videos: those that were scored, by their keys.
        failed: why others were not.
        resize: what their frames were resized to first, as `flowfeat extract --resize`; None for nothing.
    """

    videos: tuple[Prediction, ...]
    failed: dict[str, str]
    resize: str | None


def predict(
    runs: Sequence[Path],
    videos: Sequence[Path],
    top: int = 5,
    views: Views | None = None,
    weights: Path | None = None,
    resize: str | None = None,
    device: str = "auto",
    computed: Callable[[Progress], None] | None = None,
    scored: Callable[[int, int | None], None] | None = None,
) -> Predictions:
    """The most probable classes of videos, by one run or by one of each stream.

    Scores of two runs are averaged as their preset was published: with its weights, before or after the softmax.
    Displacements are learnt in pixels, so videos are first made as large as the frames of training were.

    Args:
        runs: folders of one or two runs that know the same classes.
        videos: videos, folders of videos, or folders of frames.
        top: how many classes are told, at most.
        views: what scores are averaged over; None for each preset's.
        weights: of the model that computed the store's flow, where the package does not have them.
        resize: HEIGHTxWIDTH or shorter:PIXELS, the size that flow is computed at; if not given, that of the run's
            store or, where it kept the frames as they were, the shorter side of its clips.
        device: cpu, cuda, cuda:N or auto, for flow and for networks.
        computed: called, from other threads, as flow gets done.
        scored: called with the stacks that are scored and all that there are.

    Raises:
        InputError: a run, the weights or a video's model cannot be had, runs do not go together, or flow cannot be
            computed as the store's was.
    """
    trained = [RunFolder(Path(run)).read_weights("last") for run in runs]
    _check_together(runs, trained)
    inputs = [Path(video) for video in videos]
    clips = find_clips(inputs)
    asked = _extraction(trained)
    asked = replace(asked, resize=resize or asked.resize or _size_of_training(runs))
    with tempfile.TemporaryDirectory(prefix="flowfeat-") as folder:
        options = _options(asked, Path(folder) / "flow", weights, device)
        estimator = options.load_estimators()[0]
        _check_same(asked, options.settings(estimator))
        report = extract(inputs, options, [estimator], computed)
        if report.stopped:
            raise InputError(report.stopped)
        store, failed = FlowStore(options.out), dict(report.failed)
        for clip in clips:
            if clip.key not in failed and not store[clip.key].pairs:
                failed[clip.key] = f"{clip.path}: it has a single frame, and flow needs two"
        keys = [clip.key for clip in clips if clip.key not in failed]
        found = _scored(trained, store, keys, top, views, resolve_device(device), scored) if keys else ()
        return Predictions(found, failed, asked.resize)


def _check_together(runs: Sequence[Path], trained: Sequence[Weights]) -> None:
    if not 1 <= len(trained) <= 2:
        raise InputError(f"{len(trained)} runs were given; give one, or one of each stream")
    if len(trained) == 2:
        first, second = (each.settings for each in trained)
        if first.preset.stream == second.preset.stream:
            raise InputError(f"{runs[0]} and {runs[1]} are both of the {first.preset.stream} stream; give one of each")
        if first.classes != second.classes:
            raise InputError(f"{runs[0]} and {runs[1]} know different classes, so their scores cannot be averaged")


def _extraction(trained: Sequence[Weights]) -> StoreSettings:
    """How the store of the videos is made: as that of the temporal run was, with frames where a run sees them."""
    streams = {each.settings.preset.stream: each.settings.flow for each in trained}
    if "temporal" in streams:
        flow = streams["temporal"]
        if "spatial" in streams and streams["spatial"].resize != flow.resize:
            raise InputError(
                "the two runs were trained on stores of frames of different sizes; give runs that share a store"
            )
        return replace(flow, frames="spatial" in streams, backward=False, quality=_quality(flow, "spatial" in streams))
    # Frames alone are looked at, so any flow does.
    of_zero = StoreSettings("zero", "none", {}, None, "uint8", DEFAULT_BOUND, None, None, 1, False, True)
    spatial = streams["spatial"]
    return replace(of_zero, resize=spatial.resize, quality=_quality(of_zero, True))


def _size_of_training(runs: Sequence[Path]) -> str | None:
    """The shorter side of the frames that were learnt from, by a look at some clips of the run's store."""
    place = RunFolder(Path(runs[0])).record().sessions[-1].store
    try:
        store = FlowStore(place)
        keys = list(store)
        looked_at = keys[:: max(1, len(keys) // _CLIPS_LOOKED_AT)]
        sides = sorted(min(clip.height, clip.width) for clip in (store[key] for key in looked_at))
    except (StoreError, OSError):
        sides = []
    if not sides:
        warnings.warn(
            f"{place}: the run's store is not there to tell how large its frames are, so flow is computed at the "
            "videos' own size; say another with --resize",
            stacklevel=3,
        )
        return None
    return f"shorter:{sides[len(sides) // 2]}"


def _quality(flow: StoreSettings, frames: bool) -> int | None:
    return JPEG_QUALITY if flow.encoding == "jpeg" or frames else None


def _options(asked: StoreSettings, store: Path, weights: Path | None, device: str) -> ExtractionOptions:
    if asked.model == "files":
        raise InputError(
            "the run learnt from flow that was computed elsewhere (files:DIR), so the flow of other videos cannot be "
            "computed; extract it, and test on that store"
        )
    profile = asked.parameters.get("profile")
    return ExtractionOptions(
        out=store,
        model=asked.model,
        weights=weights,
        profile=profile if isinstance(profile, str) else None,
        encoding=asked.encoding,
        bound=asked.bound or DEFAULT_BOUND,
        resize=asked.resize,
        frames=asked.frames,
        step=asked.step,
        device=device,
    )


def _check_same(asked: StoreSettings, here: StoreSettings) -> None:
    """Raises InputError where flow would be another than what was learnt from; warns of another version's."""
    precision = {name: asked.parameters[name] for name in ("precision",) if name in asked.parameters}
    if replace(here, library=asked.library, parameters={**here.parameters, **precision}) != asked:
        raise InputError(
            f"the flow of videos would not be that of the run's store ({asked.differences(here)}); give the model's "
            "weights with --weights, if it has any"
        )
    computed, computes = (f"{each.library} {each.parameters.get('precision', '')}".strip() for each in (asked, here))
    if computes != computed:
        warnings.warn(
            f"the run's store was computed with {computed}, and here is {computes}; flow may differ a little",
            stacklevel=3,
        )


def _scored(
    trained: Sequence[Weights],
    store: FlowStore,
    keys: Sequence[str],
    top: int,
    views: Views | None,
    device: torch.device,
    progress: Callable[[int, int | None], None] | None,
) -> tuple[Prediction, ...]:
    classes = trained[0].settings.classes
    # Nothing is known of what the videos show; scoring asks for no label.
    clips = tuple(LabelledClip(key, 0) for key in keys)
    where = SplitInStore(Split("videos", 1, classes, (), clips), store, {key: key for key in keys}, 0)
    stacks = []
    for weights in trained:
        preset = weights.settings.preset
        of = views or preset.views
        stacks.append(TestViews(where, clips, StackSettings.of(preset), of.stacks, of.crops))
    scores, done = [], 0
    for weights, shown in zip(trained, stacks, strict=True):
        settings, network = weights.settings, trained_network(weights).to(device)
        report = _counted_from(done, sum(map(len, stacks)), progress)
        found = scores_of_views(network, shown, settings.preset, settings.precision, Processes(device), 0, report)
        scores.append(found.double().numpy())
        done += len(shown)
    shares = [weights.settings.preset.fusion_weight for weights in trained]
    length = max(weights.settings.preset.length for weights in trained)
    probabilities = _fused(scores, shares, [weights.settings.preset.averaged for weights in trained])
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return tuple(
        Prediction(
            key,
            tuple(classes[place] for place in places),
            tuple(row[places].tolist()),
            store[key].header.source.frames_decoded,
            max(0, length - store[key].pairs),
        )
        for key, row, places in zip(keys, probabilities, best, strict=True)
    )


def _counted_from(
    start: int, total: int, progress: Callable[[int, int | None], None] | None
) -> Callable[[int, int | None], None] | None:
    """Progress of one of several networks as progress of all."""
    return None if progress is None else lambda done, _: progress(start + done, total)


def _fused(
    scores: Sequence[Float64[np.ndarray, "clips classes"]],
    shares: Sequence[float],
    kinds: Sequence[Literal["softmax", "logits"]],
) -> Float64[np.ndarray, "clips classes"]:
    """Probabilities of the streams' weighted mean: before the softmax where all scores are, otherwise after it."""
    before = all(kind == "logits" for kind in kinds)
    alike = [
        table if before or kind == "softmax" else softmax(table, axis=1)
        for table, kind in zip(scores, kinds, strict=True)
    ]
    mean = np.average(alike, axis=0, weights=shares)
    return softmax(mean, axis=1) if before else mean
