"""From videos to a verified store, end to end, and where the time goes."""

import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import torch
from drawn_networks import drawn_checkpoint
from gpu_setting import Parts, Setting, missing
from measure import seconds_of
from torch import Tensor

from flowfeat.estimators import FlowEstimator, Pair, load_estimator
from flowfeat.weights import write_checkpoint

UCF101_PAIRS = 2_450_000
_DRAWN = 4
"""Videos that are made; the others are copies of them."""


def measure_extraction(setting: Setting) -> Parts:
    """FlowNet2 with drawn weights, in a checkpoint of ours, and flownet2-thin with the package's own."""
    if sentence := missing("av", "simplejpeg"):
        yield "left_out", sentence
        return
    from made_videos import write_video

    clips, frames, size = (3, 6, (64, 96)) if setting.quick else (48, 201, (240, 320))
    repetitions = 1 if setting.quick else 2
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number in range(clips):
            video = folder / f"clips/v_{number:03d}.avi"
            if number < _DRAWN:
                write_video(video, frames, *size, seed=number)
            else:
                shutil.copy(folder / f"clips/v_{number % _DRAWN:03d}.avi", video)
        yield "input", {"clips": clips, "pairs": clips * (frames - 1), "height": size[0], "width": size[1]}
        yield "threads", os.cpu_count()
        checkpoint = folder / "drawn.safetensors"
        name = "flownet2-s" if setting.quick else "flownet2"
        write_checkpoint(drawn_checkpoint(name), checkpoint)
        thin = load_estimator("flownet2-thin", device=str(setting.device))
        runs = _Runs(setting, folder, sorted((folder / "clips").iterdir()))
        yield name, runs.measure(load_estimator(None, checkpoint, str(setting.device)), repetitions)
        yield "flownet2-thin", runs.measure(thin, repetitions)
        yield "decoding", {"pairs_per_second": clips * (frames - 1) / seconds_of(runs.decode)}
        yield "encoding", runs.encode(thin)


class Watched(FlowEstimator):
    """An estimator that tells how long it was computing; on a GPU by events around what it launched."""

    def __init__(self, inner: FlowEstimator):
        self._inner = inner
        self.description, self.fixed_batch, self.device = inner.description, inner.fixed_batch, inner.device
        self._spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._seconds = 0.0

    def estimate(self, frames: Tensor, pairs: Sequence[Pair] | None) -> Tensor:
        if self.device.type != "cuda":
            flows: list[Tensor] = []
            self._seconds += seconds_of(lambda: flows.append(self._inner.estimate(frames, pairs)))
            return flows[0]
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        flow = self._inner.estimate(frames, pairs)
        end.record()
        self._spans.append((begin, end))
        return flow

    def take_seconds(self) -> float:
        """Seconds since the last call of this."""
        for _, end in self._spans:
            end.synchronize()
        seconds = self._seconds + sum(begin.elapsed_time(end) for begin, end in self._spans) / 1e3
        self._spans, self._seconds = [], 0.0
        return seconds


class _Runs:
    """Extractions of the same clips, each into a store of its own."""

    def __init__(self, setting: Setting, folder: Path, clips: list[Path]):
        self._setting, self._folder, self._clips = setting, folder, clips
        self._stores = count()

    def measure(self, estimator: FlowEstimator, repetitions: int) -> dict[str, Any]:
        from flowfeat.extraction import ExtractionOptions, extract
        from flowfeat.store.verify import verify

        watched = Watched(estimator)
        # Set-up, which a run of hours does not notice: kernels compiled, graphs recorded, the batch chosen.
        with self._store() as store:
            extract(self._clips[:1], ExtractionOptions(store), [watched])
        found: dict[str, list[Any]] = {"pairs_per_second": [], "share_of_time_computing": [], "clean": []}
        batches: dict[str, int] = {}
        for _ in range(repetitions):
            watched.take_seconds()
            with self._store() as store:
                report = extract(self._clips, ExtractionOptions(store), [watched])
                found["clean"].append(verify(store).clean)
            found["pairs_per_second"].append(report.pairs / report.seconds)
            found["share_of_time_computing"].append(watched.take_seconds() / report.seconds)
            batches = report.batches
        rate = statistics.median(found["pairs_per_second"])
        return {**found, "batches": batches, "hours_of_ucf101": UCF101_PAIRS / rate / 3600}

    def decode(self) -> None:
        """All clips, in as many processes as an extraction has."""
        from flowfeat.video import ClipDecoder

        decoders = max(1, (os.cpu_count() or 1) // 2)

        def decode(clips: list[Path]) -> None:
            with ClipDecoder() as decoder:
                for clip in clips:
                    for _ in decoder.open(clip):
                        pass

        with ThreadPoolExecutor(decoders) as pool:
            list(pool.map(decode, (self._clips[i::decoders] for i in range(decoders))))

    def encode(self, estimator: FlowEstimator) -> dict[str, Any]:
        """Levels in memory to JPEGs, with as many threads as an extraction has."""
        from flowfeat.extraction import ExtractionOptions
        from flowfeat.store.encoding import encode_field, stored_values
        from flowfeat.video import read_clip

        settings = ExtractionOptions(self._folder).settings(estimator)
        frames = torch.from_numpy(read_clip(self._clips[0]).frames[:33]).permute(0, 3, 1, 2)
        values = stored_values(estimator(torch.stack([frames[:-1], frames[1:]], 1)), settings)
        many = [values[i % len(values)] for i in range(len(values) if self._setting.quick else 4000)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            seconds = seconds_of(lambda: list(pool.map(encode_field, many, [settings] * len(many))))
        return {"pairs_per_second": len(many) / seconds, "model": estimator.description.model}

    @contextmanager
    def _store(self) -> Iterator[Path]:
        store = self._folder / f"store{next(self._stores)}"
        yield store
        shutil.rmtree(store)
