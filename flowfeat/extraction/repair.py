"""Make again what verification found wrong, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flowfeat.errors import StoreError
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.run import ExtractionReport, extract
from flowfeat.extraction.tally import Progress
from flowfeat.store.records import partial_files, settings_of_store
from flowfeat.store.settings import StoreSettings
from flowfeat.store.verify import Verification, verify


@dataclass(frozen=True)
class Repair:
    """What was found, what was done, and what a second look finds."""

    before: Verification
    extraction: ExtractionReport
    after: Verification
    partial_files_removed: int

    @property
    def complete(self) -> bool:
        return self.after.clean


def repair(
    inputs: Sequence[Path], options: ExtractionOptions, progress: Callable[[Progress], None] | None = None
) -> Repair:
    """Verify the store `options.out`, extract anew from `inputs` what is faulty or missing, verify again.

    A faulty file stays until its replacement is complete. How flow is stored is the store's own: `encoding`, `bound`,
    `resize`, `backward`, `frames` and `step` of the options do not count. `model`, `profile` and `precision` are the
    store's where the options name none. All other options count as they do in `extract`: `clips` and `shard` choose
    what is made again, `weights`, `batch`, `workers`, `device`, `devices` and `engine` how. Files left by killed runs
    are removed, so no other process may be extracting into the store.

    Raises StoreError where the store has no settings, or where the model here is not the one that made it.
    """
    settings = settings_of_store(options.out)
    if settings is None:
        raise StoreError(f"{options.out}: this is no store (it has no store.json)")
    if settings.model.startswith("files") and options.model is None:
        raise StoreError(f"{options.out}: its flow was computed elsewhere; say where with --model files:DIR")
    if settings.model.startswith("import:"):
        raise StoreError(f"{options.out}: this store was imported; import it again from its source")
    before = verify(options.out)
    options = replace(
        options,
        model=options.model or settings.model,
        profile=options.profile or _parameter(settings, "profile"),
        precision=options.precision or _parameter(settings, "precision"),
        encoding=settings.encoding,
        bound=settings.bound or options.bound,
        resize=settings.resize,
        backward=settings.backward,
        frames=settings.frames,
        step=settings.step,
    )
    partial = list(partial_files(options.out))
    for path in partial:
        path.unlink(missing_ok=True)
    report = extract(inputs, options, progress=progress, redo=set(before.faults))
    return Repair(before, report, verify(options.out), len(partial))


def _parameter(settings: StoreSettings, name: str) -> str | None:
    """What the store's `profile` or `precision` was, where its model has any."""
    value = settings.parameters.get(name)
    return value if isinstance(value, str) else None
