"""The pipeline of one device: decoding processes, one inferring thread, encoding threads, one committing thread.

    clips -> [decode] x D -> chunks -> [batch, infer, quantise] -> fields -> [encode] x E -> [append, commit]

Every stage works while the next one does, through queues of bounded length; on a GPU one batch is computed while the
next is gathered. A batch may hold pairs of several clips; for estimators that compute a batch as one it always has the
same number of pairs (`BatchSizes`), filled up where they run out, so the flow of a clip depends neither on its
neighbours nor on where a run was cut.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import ClipError, DeviceMemoryError, InputError
from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.extraction.batch_size import BatchSizes
from flowfeat.extraction.inference import Computed, Inference
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.tally import Tally
from flowfeat.store import ClipWriter, SourceFacts, StoreSettings
from flowfeat.store.encoding import encode_field, encode_rgb
from flowfeat.store.quantise import FieldFacts
from flowfeat.store.settings import FLOAT16_MAX
from flowfeat.store.writer import blamed_on_store, clip_path
from flowfeat.video import Clip, ClipDecoder, Ending, FrameSize
from flowfeat.video.decoder import ClipStream

_CHUNKS_AHEAD = 4
_FIELDS_AHEAD = 64
_FIELDS_AHEAD_OF_GPU = 512


class ClipQueue:
    """The clips still to be begun, handed out one by one to whichever decoder is free."""

    def __init__(self, clips: dict[Clip, int]):
        self._clips = iter(clips.items())
        self._lock = threading.Lock()

    def next(self) -> tuple[Clip, int] | None:
        with self._lock:
            return next(self._clips, None)


@dataclass(eq=False)
class _Job:
    """One clip on its way through the pipeline."""

    clip: Clip
    source_bytes: int
    stream: ClipStream | None = None
    size: tuple[int, int] | None = None
    """(height, width) of its frames as they come from the decoder, all of one size."""
    writer: ClipWriter | None = None
    ending: Ending | None = None
    fields_expected: int | None = None
    fields_written: int = 0
    ended: bool = False
    failed: bool = False


@dataclass(frozen=True)
class _Chunk:
    """Consecutive frames of a clip; the first `carried` of them were the last of the chunk before."""

    job: _Job
    first: int
    frames: UInt8[np.ndarray, "n h w 3"]
    carried: int


@dataclass(frozen=True)
class _PairItem:
    job: _Job
    pair: Pair
    first: UInt8[np.ndarray, "h w 3"]
    second: UInt8[np.ndarray, "h w 3"]

    @property
    def direction(self) -> str:
        return "forward" if self.pair.first < self.pair.second else "backward"


class _Stopped(Exception):
    """Raised in a thread whose pipeline has been stopped."""


class Pipeline:
    """Clips to files on one device. `run` returns when every clip it took is committed or failed."""

    def __init__(
        self,
        estimator: FlowEstimator,
        settings: StoreSettings,
        out: Path,
        clips: ClipQueue,
        tally: Tally,
        batches: BatchSizes,
        threads: int,
        stop: threading.Event,
    ):
        self._estimator, self._settings, self._out = estimator, settings, out
        self._clips, self._tally, self._batches, self._stop = clips, tally, batches, stop
        self._inference = Inference(estimator, settings)
        self._resize = FrameSize.parse(settings.resize) if settings.resize else None
        self._decoders = max(1, threads // 2)
        self._encoders = threads
        self._chunks: queue.Queue[_Chunk | _Job | None] = queue.Queue(_CHUNKS_AHEAD * self._decoders)
        # A GPU gives many fields at a time, and the encoders are to have some left while it is given the next.
        self._encoded: queue.Queue[tuple[_Job, str, Future[list[bytes]] | None, FieldFacts | None]] = queue.Queue(
            _FIELDS_AHEAD_OF_GPU if self._inference.ahead else _FIELDS_AHEAD
        )
        self._waiting: dict[tuple[int, ...], deque[_PairItem]] = {}
        self._on_their_way: deque[tuple[list[_PairItem], Callable[[], Computed]]] = deque()
        self._jobs: list[_Job] = []
        self._fault: BaseException | None = None

    def run(self) -> None:
        """Work until the clips run out. Raises what stopped it: StoreError where the store cannot be written."""
        threads = [threading.Thread(target=self._guard, args=(self._decode,)) for _ in range(self._decoders)]
        committer = threading.Thread(target=self._guard, args=(self._commit,))
        for thread in [*threads, committer]:
            thread.start()
        with ThreadPoolExecutor(self._encoders) as self._pool:
            self._guard(self._infer)
            self._guard(lambda: self._put(self._encoded, None))
            for thread in [*threads, committer]:
                thread.join()
        self._guard(self._abandon_all)
        if self._fault is not None:
            raise self._fault

    # Decoding

    def _decode(self) -> None:
        with ClipDecoder() as decoder:
            while (taken := self._clips.next()) is not None:
                job = _Job(*taken)
                self._jobs.append(job)
                try:
                    self._decode_clip(decoder, job)
                except ClipError as fault:
                    self._fail(job, str(fault))
                except OSError as fault:  # nothing here writes: the decoder cannot start, or flow files not be listed
                    where = f"{fault.filename}: " if fault.filename else ""
                    self._fail(job, f"{job.clip.path}: it cannot be decoded ({where}{fault.strerror or fault})")
                self._put(self._chunks, job)
        self._put(self._chunks, None)

    def _decode_clip(self, decoder: ClipDecoder, job: _Job) -> None:
        step = self._settings.step
        job.stream = decoder.open(job.clip.path, self._resize)
        kept: UInt8[np.ndarray, "n h w 3"] | None = None
        first = 0
        for frames in job.stream:
            if job.failed:
                decoder.close()
                return
            job.size = frames.shape[1], frames.shape[2]
            chunk = frames if kept is None else np.concatenate([kept, frames])
            self._put(self._chunks, _Chunk(job, first, chunk, 0 if kept is None else len(kept)))
            kept = chunk[-step:]
            first += len(chunk) - len(kept)
        ending = job.stream.ending
        if ending.decoded <= step:
            raise ClipError(
                f"{job.clip.path}: the clip has {ending.decoded} frame{'s' * (ending.decoded != 1)}; "
                f"flow over {step} frame{'s' * (step != 1)} needs at least {step + 1}"
            )
        try:
            self._estimator.check_clip(job.clip.key, ending.decoded - step, self._settings.backward)
        except InputError as fault:
            raise ClipError(str(fault)) from fault
        job.ending = ending
        job.fields_expected = (ending.decoded - step) * (2 if self._settings.backward else 1)

    # Inference

    def _infer(self) -> None:
        decoding = self._decoders
        while decoding:
            item = self._get(self._chunks)
            if item is None:
                decoding -= 1
            elif isinstance(item, _Job):
                if not self._estimator.fixed_batch:
                    self._flush()
                self._put(self._encoded, (item, "end", None, None))
            elif not item.job.failed:
                self._take(item)
        self._flush()
        self._deliver(0)

    def _take(self, chunk: _Chunk) -> None:
        job, step = chunk.job, self._settings.step
        if self._settings.frames:
            for frame in chunk.frames[chunk.carried :]:
                self._put(self._encoded, (job, "frames", self._pool.submit(encode_rgb, frame), None))
        waiting = self._waiting.setdefault(chunk.frames.shape[1:], deque())
        batch = self._batch_of(chunk.frames[0])
        for i in range(len(chunk.frames) - step):
            t, first, second = chunk.first + i, chunk.frames[i], chunk.frames[i + step]
            waiting.append(_PairItem(job, Pair(job.clip.key, t, t + step), first, second))
            if self._settings.backward:
                waiting.append(_PairItem(job, Pair(job.clip.key, t + step, t), second, first))
            while len(waiting) >= batch:
                self._compute([waiting.popleft() for _ in range(batch)])

    def _batch_of(self, frame: UInt8[np.ndarray, "h w 3"]) -> int:
        return self._batches.of(self._estimator, *frame.shape[:2])

    def _flush(self) -> None:
        for waiting in self._waiting.values():
            if waiting:
                self._compute(list(waiting))
                waiting.clear()

    def _compute(self, items: list[_PairItem]) -> None:
        items = [item for item in items if not item.job.failed]
        if not items:
            return
        try:
            self._on_their_way.append((items, self._begin(items)))
        except DeviceMemoryError:
            raise  # not this clip's fault
        except InputError as fault:
            self._compute_apart(items, fault)
            return
        self._deliver(self._inference.ahead)

    def _begin(self, items: list[_PairItem]) -> Callable[[], Computed]:
        size = self._batch_of(items[0].first) if self._estimator.fixed_batch else len(items)
        if missing := size - len(items):
            self._tally.pairs_padded(missing)
        images = [image for item in items for image in (item.first, item.second)]
        return self._inference.begin(images, [item.pair for item in items], size)

    def _deliver(self, ahead: int) -> None:
        """Hand on what was computed, until no more than `ahead` batches are on their way."""
        while len(self._on_their_way) > ahead:
            items, computed = self._on_their_way.popleft()
            done = computed()
            self._tally.pairs_computed(sum(item.direction == "forward" for item in items))
            for index, item in enumerate(items):
                self._check_field(item, done.facts, index)
                one = FieldFacts(
                    *(getattr(done.facts, name)[index : index + 1] for name in FieldFacts.__dataclass_fields__)
                )
                future = self._pool.submit(encode_field, done.values[index], self._settings)
                self._put(self._encoded, (item.job, item.direction, future, one))

    def _compute_apart(self, items: list[_PairItem], fault: InputError) -> None:
        """A pair of some clip cannot be computed: find the clip, so that its neighbours in the batch go on."""
        clips = [list(group) for _, group in groupby(items, key=lambda item: item.job.clip.key)]
        if len(clips) == 1:
            self._fail(items[0].job, str(fault))
            return
        for group in clips:
            self._compute(group)

    def _check_field(self, item: _PairItem, facts: FieldFacts, index: int) -> None:
        largest = float(facts.max_displacement[index])
        if not bool(facts.finite[index]):
            reason = "is not finite"
        elif self._settings.encoding == "float16" and largest > FLOAT16_MAX:
            reason = f"reaches {largest:.0f} pixels, which float16 cannot hold"
        else:
            return
        self._fail(
            item.job,
            f"{item.job.clip.path}: the flow from frame {item.pair.first} to {item.pair.second} {reason}",
        )

    # Committing

    def _commit(self) -> None:
        while (message := self._get(self._encoded)) is not None:
            job, kind, future, facts = message
            parts = future.result() if future else []
            with blamed_on_store(self._out):
                self._write(job, kind, parts, facts)

    def _write(self, job: _Job, kind: str, parts: list[bytes], facts: FieldFacts | None) -> None:
        if job.failed:
            self._abandon(job)
            return
        if kind == "end":
            job.ended = True
        elif kind == "frames":
            self._writer(job).append_frames(parts)
        else:
            assert facts is not None
            self._writer(job).append_fields(kind, parts)
            self._writer(job).count(facts)
            job.fields_written += 1
        # The last pairs of a clip may still wait for a batch to fill when its end is told.
        if job.ended and job.fields_written == job.fields_expected:
            self._finish(job)

    def _writer(self, job: _Job) -> ClipWriter:
        if job.writer is None:
            assert job.size is not None
            job.writer = ClipWriter(self._out, job.clip.key, self._settings, *job.size)
        return job.writer

    def _finish(self, job: _Job) -> None:
        assert job.stream is not None
        assert job.ending is not None
        facts, ending = job.stream.facts, job.ending
        source = SourceFacts(
            name=job.clip.path.name,
            bytes=job.stream.source_bytes,
            sha256=job.stream.source_sha256,
            reader=ending.reader,
            frames_decoded=ending.decoded,
            frames_declared=facts.declared_frames,
            frames_invented=ending.invented,
            frame_gaps=ending.gaps,
            fps=facts.fps,
            height=facts.height,
            width=facts.width,
        )
        header = self._writer(job).commit(source)
        self._abandon(job)
        self._jobs.remove(job)
        self._tally.clip_done(header, job.source_bytes, clip_path(self._out, header.key).stat().st_size)

    def _abandon(self, job: _Job) -> None:
        if job.writer is not None:
            job.writer.close()
            job.writer = None

    def _abandon_all(self) -> None:
        with blamed_on_store(self._out):
            for job in self._jobs:
                self._abandon(job)

    def _fail(self, job: _Job, reason: str) -> None:
        job.failed = True
        self._tally.clip_failed(job.clip.key, reason, job.source_bytes)

    # Threads

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except _Stopped:
            pass
        except BaseException as fault:  # kept for run() to raise; the other stages must not wait for this one
            self._fault = self._fault or fault
            self._stop.set()

    def _put(self, target: queue.Queue, item: object) -> None:
        while not self._stop.is_set():
            try:
                target.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
        raise _Stopped

    def _get(self, source: queue.Queue):
        while not self._stop.is_set():
            try:
                return source.get(timeout=0.1)
            except queue.Empty:
                continue
        raise _Stopped


def run_pipelines(
    options: ExtractionOptions,
    settings: StoreSettings,
    estimators: list[FlowEstimator],
    batches: BatchSizes,
    clips: dict[Clip, int],
    tally: Tally,
) -> None:
    """Extract `clips`, with their sizes in bytes, by a pipeline for each estimator; they share the threads.

    Raises InputError where an estimator is not of these `settings`, and what `Pipeline.run` raises.
    """
    for estimator in estimators:
        if (here := options.settings(estimator)) != settings:
            differences = settings.differences(here)
            raise InputError(f"the estimators of a run have to be alike ({differences}): install the same everywhere")
    stop, waiting = threading.Event(), ClipQueue(clips)
    each, more = divmod(options.threads, len(estimators))
    pipelines = [
        Pipeline(estimator, settings, options.out, waiting, tally, batches, max(1, each + (number < more)), stop)
        for number, estimator in enumerate(estimators)
    ]
    # Futures, because an interrupted Thread.join takes the thread for finished and lets the process end under it.
    with ThreadPoolExecutor(len(pipelines)) as pool:
        running = [pool.submit(pipeline.run) for pipeline in pipelines]
        try:
            wait(running)
        except KeyboardInterrupt:
            stop.set()
            wait(running)
            raise
        finally:
            tally.batches_chosen(batches.chosen)
    for pipeline in running:
        pipeline.result()
