"""One run of an extraction: from options to a report, recorded in the store."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator
from flowfeat.extraction.batch_size import BatchSizes
from flowfeat.extraction.on_ray import Extractor, extract_on_ray, ray_cluster
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.pipeline import run_pipelines
from flowfeat.extraction.plan import Plan, make_plan
from flowfeat.extraction.tally import Progress, Tally
from flowfeat.provenance import versions
from flowfeat.store import StoreSettings
from flowfeat.store.records import claim_store, new_run_file, write_run
from flowfeat.store.writer import blamed_on_store
from flowfeat.video import Clip

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExtractionReport:
    """What a run did.

    `failed` maps the key of a clip to the reason it has no flow. `short` are clips that decode fewer frames than
    their container declares, `invented_frames` what the decoder made up and was dropped, `gaps` numbers missing in
    folders of frames, `padded_pairs` pairs computed only to fill a batch, `batches` how many pairs were computed
    together, for each size of frames. `stopped` says why a run ended early.
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
    batches: dict[str, int]
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
        estimators: one a device; by default those the options name. An engine of many machines loads its own.
        progress: called, from other threads, as pairs and clips get done.
        redo: keys of clips to make again though they seem done.

    Returns:
        The report, also written to `runs/NNNN.json` in the store. A clip that cannot be read is in `failed` and the
        others go on.

    Raises:
        InputError: before anything is written, where options, inputs, model, store or cluster cannot be used.
    """
    with _engine(options, estimators, redo) as engine:
        return _run(inputs, options, engine, progress, redo)


@dataclass(frozen=True)
class _Engine:
    """What computes: for a store of these `settings`, described for the record of a run by `facts`."""

    settings: StoreSettings
    facts: dict[str, Any]
    extract: Callable[[dict[Clip, int], Tally], None]


@contextmanager
def _engine(
    options: ExtractionOptions, estimators: list[FlowEstimator] | None, redo: Collection[str]
) -> Iterator[_Engine]:
    if options.engine == "local":
        estimators = options.load_estimators() if estimators is None else estimators
        settings = options.settings(estimators[0])
        facts = {"devices": [str(estimator.device) for estimator in estimators], "nodes": 1, "actors": 0}
        batches = BatchSizes(options.batch)
        yield _Engine(settings, facts, partial(run_pipelines, options, settings, estimators, batches))
        return
    if estimators is not None:
        raise InputError("--engine ray: its actors load their own estimators; give none, or take --engine local")
    # Loaded to know the settings and the kind of device, and let go: on a GPU it would be in an actor's way.
    (estimator,) = options.load_estimators()
    settings, device = options.settings(estimator), estimator.device.type
    del estimator
    extractor = Extractor(options.for_actors(device), settings, redo)
    with ray_cluster(device, options.threads) as (nodes, actors, resources):
        facts = {"devices": [device], "nodes": nodes, "actors": actors}
        yield _Engine(settings, facts, partial(extract_on_ray, actors, resources, extractor))


def _run(
    inputs: Sequence[Path],
    options: ExtractionOptions,
    engine: _Engine,
    progress: Callable[[Progress], None] | None,
    redo: Collection[str],
) -> ExtractionReport:
    settings = engine.settings
    plan = make_plan(inputs, options, settings, redo)
    with blamed_on_store(options.out):
        claim_store(options.out, settings)
        record_path = new_run_file(options.out)
    record = _record(inputs, options, engine, plan)
    tally = Tally(progress, len(plan.todo) + len(plan.failed), sum(plan.todo.values()))
    for key, reason in plan.failed.items():
        tally.clip_failed(key, reason, 0)
    started, stopped = time.monotonic(), None
    try:
        with blamed_on_store(options.out):
            write_run(record_path, {**record, "state": "running", "failed": plan.failed})
        if plan.todo:
            engine.extract(plan.todo, tally)
    except InputError as fault:
        stopped = str(fault)
    except OSError as fault:  # of whatever computes, as a cluster that has gone
        where = f"{fault.filename}: " if fault.filename else ""
        stopped = f"{where}{fault.strerror or fault}; mend this and run again to go on"
    except KeyboardInterrupt:
        stopped = "interrupted; run again to go on"
    except Exception as fault:
        write_run(record_path, {**record, "state": "broken", "failed": tally.totals.failed, "error": repr(fault)})
        raise
    report = _report(options, settings, plan, tally, time.monotonic() - started, stopped, record_path)
    try:
        state = "finished" if stopped is None else "stopped"
        write_run(record_path, {**record, "state": state, "failed": report.failed, "report": asdict(report)})
    except OSError as fault:
        logger.error("the record of this run could not be written: %s", fault)
    return report


def _record(
    inputs: Sequence[Path],
    options: ExtractionOptions,
    engine: _Engine,
    plan: Plan,
) -> dict[str, Any]:
    return {
        "schema": 1,
        "settings": asdict(engine.settings),
        "fingerprint": engine.settings.fingerprint,
        "inputs": [str(path.absolute()) for path in inputs],
        "shard": options.shard,
        "batch": options.batch,
        "workers": options.threads,
        "engine": options.engine,
        **engine.facts,
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
    totals = tally.totals
    return ExtractionReport(
        store=str(options.out),
        fingerprint=settings.fingerprint,
        clips=len(plan.keys),
        done_before=len(plan.done),
        extracted=totals.extracted,
        failed=dict(sorted(totals.failed.items())),
        redone=plan.redone,
        pairs=totals.pairs,
        frames=totals.frames,
        short=dict(sorted(totals.short.items())),
        invented_frames=totals.invented_frames,
        gaps=dict(sorted(totals.gaps.items())),
        padded_pairs=totals.padded_pairs,
        batches=dict(sorted(totals.batches.items())),
        clipped_share=totals.clipped_pixels / totals.pixels if totals.pixels else 0.0,
        bytes_written=totals.bytes_written,
        seconds=round(seconds, 3),
        stopped=stopped,
        run_record=str(record_path),
    )
