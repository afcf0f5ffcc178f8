"""Extraction by the actors of a Ray cluster: a row of a Ray Dataset is a few clips, which one of them extracts.

Who gets it, restarts and retries are Ray's. A row given out again, as its actor or node died, finds what is stored.
"""

import logging
import pickle
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from flowfeat.errors import InputError, StoreAccessError
from flowfeat.estimators import FlowEstimator
from flowfeat.extraction.batch_size import BatchSizes
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.pipeline import run_pipelines
from flowfeat.extraction.plan import standing
from flowfeat.extraction.tally import Tally
from flowfeat.store import StoreSettings
from flowfeat.video import Clip


@contextmanager
def ray_cluster(device: str, threads: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The cluster of RAY_ADDRESS, else the one that runs here, else one that is started here and stopped at the end.

    Yields how many nodes it has and how many actors it holds, and what an actor takes: a GPU where `device` is cuda,
    else `threads` CPUs or those of the largest node. Raises InputError where there is none.
    """
    try:
        import ray.data

        ours = not ray.is_initialized()
        ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level=logging.ERROR)
    except ImportError as fault:
        raise InputError("--engine ray needs Ray: pip install 'flowfeat[ray]'") from fault
    except (ConnectionError, RuntimeError, ValueError) as fault:
        raise InputError(f"no Ray cluster can be reached or started: {str(fault).splitlines()[0]}") from fault
    try:
        kind = "GPU" if device == "cuda" else "CPU"
        nodes = [int(node["Resources"].get(kind, 0)) for node in ray.nodes() if node["Alive"]]
        each = 1 if kind == "GPU" else max(1, min(threads, max(nodes)))
        if not (actors := sum(node // each for node in nodes)):
            raise InputError(f"the Ray cluster has no {kind}: add nodes, or give another --device")
        yield len(nodes), actors, {f"num_{kind.lower()}s": each}
    finally:
        if ours:
            ray.shutdown()


def extract_on_ray(actors: int, each: dict[str, Any], like: "Extractor", clips: dict[Clip, int], tally: Tally) -> None:
    """Extract `clips`, with their sizes in bytes, by actors `like` this one. Raises as `run_pipelines` does."""
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    todo = [(Clip(clip.key, str(clip.path.absolute())), size) for clip, size in clips.items()]
    count = max(1, min(16, len(todo) // (4 * actors)))
    rows = [{"clips": pickle.dumps(todo[i : i + count])} for i in range(0, len(todo), count)]
    pool = ray.data.ActorPoolStrategy(size=min(actors, len(rows)))
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    made = dataset.map(cast(Any, Extractor), compute=pool, fn_constructor_kwargs=vars(like), **each)
    with _errors_alone():
        for row in made.iter_rows():
            totals, fault = pickle.loads(row["done"])
            tally.add(totals)
            if fault is not None:
                raise fault


@contextmanager
def _errors_alone() -> Iterator[None]:
    """Within this block Ray Data's remarks stay out of the terminal; they are in its log too."""
    handlers = [each for each in logging.getLogger("ray.data").handlers if isinstance(each, logging.StreamHandler)]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.ERROR)
    try:
        yield
    finally:
        # They may be the caller's own, whom other loggers reach through them.
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)


@dataclass
class Extractor:
    """What an actor is. Paths in `options` are absolute; clips called `redo` are made though they are stored.

    It has one size of batch for each size of frames, whichever rows of clips it is given.
    """

    options: ExtractionOptions
    settings: StoreSettings
    redo: Collection[str]

    @cached_property
    def estimators(self) -> list[FlowEstimator]:
        return self.options.load_estimators()

    @cached_property
    def batches(self) -> BatchSizes:
        return BatchSizes(self.options.batch)

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        left, tally, fault = {}, Tally(None, 0, 0), None
        try:
            for clip, size in pickle.loads(row["clips"]):
                try:
                    stored = "" if clip.key in self.redo else standing(self.options.out, clip, size, self.settings)
                except StoreAccessError as unopened:
                    tally.clip_failed(clip.key, str(unopened), size)
                    continue
                if isinstance(stored, str):
                    left[clip] = size
                else:
                    tally.clip_done(stored.header, size, stored.path.stat().st_size)
            run_pipelines(self.options, self.settings, self.estimators, self.batches, left, tally)
        except (InputError, OSError) as stopped:  # as data, because Ray would show it as a stack
            fault = stopped
        return {"done": pickle.dumps((tally.totals, fault))}
