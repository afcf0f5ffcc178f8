"""One run of an extraction: from options to a report, recorded in the store."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.pipeline import ClipQueue, Pipeline, Progress, Tally
from flowfeat.extraction.plan import Plan, make_plan
from flowfeat.provenance import versions
from flowfeat.store import StoreSettings
from flowfeat.store.manifest import claim_store, new_run_file, write_run
from flowfeat.store.writer import clip_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExtractionReport:
    """What a run did.

    `failed` maps the key of a clip to the reason it has no flow. `short` are clips that decode fewer frames than
    their container declares, `invented_frames` what the decoder made up and was dropped, `gaps` numbers missing in
    folders of frames, `padded_pairs` pairs computed only to fill a batch. `stopped` says why a run ended early.
    """

    store: str
    fingerprint: str
    clips: int
    done_before: int
    extracted: int
    failed: dict[str, str]
    redone: dict[str, str]
    pairs: int
    frames: int
    short: dict[str, str]
    invented_frames: int
    gaps: dict[str, int]
    padded_pairs: int
    clipped_share: float
    bytes_written: int
    seconds: float
    stopped: str | None
    run_record: str

    @property
    def complete(self) -> bool:
        """Whether every planned clip is in the store."""
        return not self.failed and self.stopped is None

    @property
    def pairs_per_second(self) -> float:
        return self.pairs / self.seconds if self.seconds else 0.0


def extract(
    inputs: Sequence[Path],
    options: ExtractionOptions,
    estimators: list[FlowEstimator] | None = None,
    progress: Callable[[Progress], None] | None = None,
    redo: Collection[str] = (),
) -> ExtractionReport:
    """Extract the flow of every clip that has none yet under these settings.

    Args:
        inputs: videos, folders of videos (searched recursively), or folders of frames.
        options: what to extract, and into which store.
        estimators: one a device; by default those the options name.
        progress: called, from other threads, as pairs and clips get done.
        redo: keys of clips to make again though they seem done.

    Returns:
        The report, also written to `runs/NNNN.json` in the store. A clip that cannot be read is in `failed` and the
        others go on.

    Raises:
        InputError: before anything is written, where options, inputs, model or store cannot be used.
    """
    if estimators is None:
        estimators = options.load_estimators()
    settings = options.settings(estimators[0])
    plan = make_plan(inputs, options, settings, redo)
    try:
        claim_store(options.out, settings)
        record_path = new_run_file(options.out)
    except OSError as fault:
        raise InputError(f"{fault.filename or options.out}: the store cannot be written ({fault.strerror})") from fault
    record = _record(inputs, options, settings, plan, estimators)
    tally = Tally(progress, len(plan.todo), sum(plan.todo.values()))
    started, stopped = time.monotonic(), None
    try:
        write_run(record_path, {**record, "state": "running", "failed": {}})
        _run_pipelines(options, settings, plan, estimators, tally)
    except (InputError, OSError) as fault:
        stopped = _sentence(fault, options.out)
    except KeyboardInterrupt:
        stopped = "interrupted; run again to go on"
    except Exception as fault:
        write_run(record_path, {**record, "state": "broken", "failed": tally.failed, "error": repr(fault)})
        raise
    report = _report(options, settings, plan, tally, time.monotonic() - started, stopped, record_path)
    try:
        state = "finished" if stopped is None else "stopped"
        write_run(record_path, {**record, "state": state, "failed": report.failed, "report": asdict(report)})
    except OSError as fault:
        logger.error("the record of this run could not be written: %s", fault)
    return report


def _run_pipelines(
    options: ExtractionOptions,
    settings: StoreSettings,
    plan: Plan,
    estimators: list[FlowEstimator],
    tally: Tally,
) -> None:
    stop, clips = threading.Event(), ClipQueue(plan.todo)
    pipelines = [
        Pipeline(estimator, settings, options.out, clips, tally, options.batch, options.threads, stop)
        for estimator in estimators
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
    for pipeline in running:
        pipeline.result()


def _record(
    inputs: Sequence[Path],
    options: ExtractionOptions,
    settings: StoreSettings,
    plan: Plan,
    estimators: list[FlowEstimator],
) -> dict[str, Any]:
    return {
        "schema": 1,
        "settings": asdict(settings),
        "fingerprint": settings.fingerprint,
        "inputs": [str(path.absolute()) for path in inputs],
        "shard": options.shard,
        "batch": options.batch,
        "workers": options.threads,
        "devices": [str(estimator.device) for estimator in estimators],
        "versions": versions(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "planned": plan.keys,
    }


def _report(
    options: ExtractionOptions,
    settings: StoreSettings,
    plan: Plan,
    tally: Tally,
    seconds: float,
    stopped: str | None,
    record_path: Path,
) -> ExtractionReport:
    headers = sorted(tally.headers, key=lambda header: header.key)
    fields = sum(header.pairs * header.height * header.width for header in headers)
    clipped = sum(header.clipped_share * header.pairs * header.height * header.width for header in headers)
    short = {
        header.key: f"{header.source.frames_decoded} of {header.source.frames_declared} declared frames decode"
        for header in headers
        if header.source.frames_declared is not None and header.source.frames_decoded < header.source.frames_declared
    }
    return ExtractionReport(
        store=str(options.out),
        fingerprint=settings.fingerprint,
        clips=len(plan.todo) + len(plan.done),
        done_before=len(plan.done),
        extracted=len(headers),
        failed=dict(sorted(tally.failed.items())),
        redone=plan.redone,
        pairs=sum(header.pairs for header in headers),
        frames=sum(header.source.frames_decoded for header in headers),
        short=short,
        invented_frames=sum(header.source.frames_invented for header in headers),
        gaps={header.key: header.source.frame_gaps for header in headers if header.source.frame_gaps},
        padded_pairs=tally.padded_pairs,
        clipped_share=clipped / fields if fields else 0.0,
        bytes_written=sum(clip_path(options.out, header.key).stat().st_size for header in headers),
        seconds=round(seconds, 3),
        stopped=stopped,
        run_record=str(record_path),
    )


def _sentence(fault: Exception, store: Path) -> str:
    if isinstance(fault, InputError):
        return str(fault)
    assert isinstance(fault, OSError)
    where = fault.filename or store
    reason = fault.strerror or fault
    return f"{where}: the store cannot be written ({reason}); nothing is half-written: mend this and run again"
