"""Folders of flow files as a flow store: those `flowfeat export` wrote, and those of other tools."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import flowfeat
from flowfeat.errors import InputError, StoreError
from flowfeat.store.layouts.clip_import import ClipImporter, is_exact
from flowfeat.store.layouts.layout import layout_called
from flowfeat.store.layouts.survey import Survey, survey
from flowfeat.store.records import claim_store, new_run_file, write_run
from flowfeat.store.settings import DEFAULT_BOUND, JPEG_QUALITY, Encoding, StoreSettings, check_bound
from flowfeat.store.writer import clip_path
from flowfeat.wording import counted

_SHOWN = 20


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        folder: what was imported.
        layout: the name of its layout.
        store: where it was imported to.
        fingerprint: of the store's settings.
        model: what made the flow: `import:LAYOUT` where the folder does not say.
        encoding: of the store.
        bound: pixels; of the 8-bit levels that were read or written, None where there are none.
        index_base: the number of the first field, as the files have it; None where they have no numbers.
        patterns: what the files of forward flow are called.
        exported_by_flowfeat: whether the folder has a manifest of ours.
        verbatim: whether JPEGs were taken byte for byte.
        clips: clips found.
        done_before: clips that were in the store already.
        imported: clips that this run stored.
        failed: keys of the others, with the reason.
        pairs: pairs that this run stored.
        frames: RGB frames that this run stored.
        notes: what was left out, and why.
        bytes_written: size of the stored clips.
        seconds: what this run took.
        stopped: why the run ended early.
        run_record: the file in the store that says all this.
    """

    folder: str
    layout: str
    store: str
    fingerprint: str
    model: str
    encoding: str
    bound: float | None
    index_base: int | None
    patterns: list[str]
    exported_by_flowfeat: bool
    verbatim: bool
    clips: int
    done_before: int
    imported: int
    failed: dict[str, str]
    pairs: int
    frames: int
    notes: list[str]
    bytes_written: int
    seconds: float
    stopped: str | None
    run_record: str

    @property
    def complete(self) -> bool:
        """Whether every clip of the folder is in the store."""
        return not self.failed and self.stopped is None

    def describe(self) -> str:
        """The report in a few lines, for people."""
        levels = "" if self.bound is None else f", levels spanning {self.bound:g} pixels to each side"
        numbers = "" if self.index_base is None else f", the first numbered {self.index_base}"
        lines = [
            f"{self.store}: {counted(self.imported, 'clip')} imported, {self.done_before} were there before, "
            f"{len(self.failed)} failed, of {self.clips}; {counted(self.pairs, 'pair')}, "
            f"{counted(self.frames, 'frame')}",
            f"read {' and '.join(self.patterns)}{numbers}{levels}; model {self.model}, stored as {self.encoding}",
            *(f"  note: {note}" for note in self.notes),
            *(f"  failed: {key}: {reason}" for key, reason in list(self.failed.items())[:_SHOWN]),
        ]
        if (more := len(self.failed) - _SHOWN) > 0:
            lines.append(f"  ... and {more} more")
        return "\n".join([*lines, *([f"stopped: {self.stopped}"] if self.stopped else [])])


def import_layout(
    folder: Path,
    layout: str,
    out: Path,
    bound: float | None = None,
    encoding: Encoding | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Make a flow store of a folder of flow files.

    With the manifest of `flowfeat export`, bound, formula, model and source are known: the store keeps them,
    JPEGs go into a JPEG store byte for byte, and files that changed since the export are refused. A source
    then is the clip the flow was computed from; without a manifest it is the imported files themselves, in
    order: forward, backward, frames. Where the values are not those that the model would have been stored
    with (8-bit levels imported as float16, say), the settings get a parameter `import` that says so.

    Without a manifest, 8-bit levels are read by the formula of TSN and dense_flow, flow = (level - 127.5) *
    bound / 127.5, except that 127 and 128 are both zero; pixels at the bound are counted as clipped, for
    nobody knows how far beyond they were. Clips are called by their folders, or by their stems where the
    layout is flat. RGB frames are taken where every clip has one more than pairs (with a manifest, `step`
    more), of the flow's size.

    Args:
        folder: the folder that holds the clips' folders.
        layout: a name in `LAYOUTS`.
        out: the store; an import into it goes on where an earlier one ended.
        bound: pixels; of the levels in 8-bit files, and otherwise of the store's own levels.
        encoding: of the store; by default jpeg for 8-bit layouts, float16 for flo and npy.
        progress: called with clips done and clips in all.

    Returns:
        The report, also in the store's `runs/`. A clip that cannot be imported is in `failed`; the others go
        on.

    Raises:
        InputError: before anything is written, where the folder is not what `layout` says, its clips do not
            agree, or the bound is missing or contradicts the manifest.
        StoreError: `out` was made with other settings.
    """
    started, folder, out = time.monotonic(), Path(folder), Path(out)
    found = survey(folder, layout_called(layout))
    if out.resolve() == folder.resolve():
        raise InputError(f"{out}: a store cannot be made in the folder that is imported; give another --out")
    encoding = encoding or ("jpeg" if found.layout.eight_bit else "float16")
    level_bound = _level_bound(found, encoding, bound)
    run = ClipImporter(found, _settings(found, encoding, level_bound), level_bound, out)
    try:
        claim_store(out, run.settings)
        record_path = new_run_file(out)
    except OSError as fault:
        raise InputError(f"{fault.filename or out}: the store cannot be written ({fault.strerror})") from fault
    record = {
        "schema": 1,
        "settings": asdict(run.settings),
        "fingerprint": run.settings.fingerprint,
        "inputs": [str(folder.absolute())],
        "layout": layout,
        "versions": {"flowfeat": flowfeat.__version__},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "planned": found.keys,
    }
    stopped = None
    try:
        write_run(record_path, {**record, "state": "running", "failed": {}})
        run.import_clips(progress)
    except OSError as fault:
        where, why = fault.filename or out, fault.strerror or fault
        stopped = f"{where}: the store cannot be written ({why}); mend this and run again to go on"
    except KeyboardInterrupt:
        stopped = "interrupted; run again to go on"
    report = _report(run, time.monotonic() - started, stopped, record_path)
    try:
        state = "finished" if stopped is None else "stopped"
        write_run(record_path, {**record, "state": state, "failed": report.failed, "report": asdict(report)})
    except OSError as fault:
        if stopped is None:
            raise StoreError(
                f"{record_path}: the record of this import cannot be written ({fault.strerror})"
            ) from fault
    return report


def _level_bound(found: Survey, encoding: Encoding, bound: float | None) -> float | None:
    """The bound of the levels that are read or, where none are, written."""
    if bound is not None:
        check_bound(bound)
    if found.layout.eight_bit:
        said = found.manifest.bound if found.manifest else None
        if said is None and bound is None:
            raise InputError(
                f"{found.folder}: give --bound, the displacement in pixels that the highest level stands "
                "for; the files do not say it (20 in most published sets, 32 by denseflow's default)"
            )
        if said is not None and bound is not None and not math.isclose(said, bound):
            raise InputError(
                f"{found.folder}: --bound {bound} contradicts its manifest.json, which says {said}; leave it out"
            )
        return said if said is not None else bound
    if encoding == "float16":
        if bound is not None:
            raise InputError(f"--bound {bound}: float16 flow from {found.layout.name} files has no bound; leave it out")
        return None
    return bound or (found.manifest and found.manifest.settings.bound) or DEFAULT_BOUND


def _settings(found: Survey, encoding: Encoding, level_bound: float | None) -> StoreSettings:
    bound = None if encoding == "float16" else level_bound
    quality = JPEG_QUALITY if encoding == "jpeg" or found.frames else None
    if found.manifest is None:
        parameters: dict[str, str | int | float | bool] = {}
        if found.layout.eight_bit and level_bound is not None:
            parameters = {"bound": level_bound}  # float16 settings have no other place for it
        return StoreSettings(
            model=f"import:{found.layout.name}",
            library="unknown",
            parameters=parameters,
            weights_sha256=None,
            encoding=encoding,
            bound=bound,
            quality=quality,
            resize=None,
            step=found.step,
            backward=found.backward,
            frames=found.frames,
        )
    settings = found.manifest.settings
    changed = replace(
        settings,
        encoding=encoding,
        bound=bound,
        quality=quality,
        backward=found.backward,
        frames=found.frames,
    )
    if is_exact(found, changed):
        return changed
    # Else a later `flowfeat extract` with these settings would take these clips for its own.
    was_bound = found.manifest.bound or settings.bound
    history = f"{found.layout.name} of {settings.encoding}" + (f", bound {was_bound:g}" if was_bound else "")
    return replace(changed, parameters={**settings.parameters, "import": history})


def _report(run: ClipImporter, seconds: float, stopped: str | None, record: Path) -> ImportReport:
    found, settings, headers = run.found, run.settings, run.headers
    return ImportReport(
        folder=str(found.folder),
        layout=found.layout.name,
        store=str(run.out),
        fingerprint=settings.fingerprint,
        model=settings.model,
        encoding=settings.encoding,
        bound=run.level_bound,
        index_base=found.first,
        patterns=list(found.patterns),
        exported_by_flowfeat=found.manifest is not None,
        verbatim=run.verbatim,
        clips=len(found.keys),
        done_before=run.done_before,
        imported=len(headers),
        failed=dict(sorted(run.failed.items())),
        pairs=sum(header.pairs for header in headers),
        frames=sum(header.source.frames_decoded for header in headers) if settings.frames else 0,
        notes=found.notes,
        bytes_written=sum(clip_path(run.out, header.key).stat().st_size for header in headers),
        seconds=round(seconds, 3),
        stopped=stopped,
        run_record=str(record),
    )
