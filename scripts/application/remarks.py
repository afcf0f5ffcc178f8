"""What a table is made of, in sentences that stand above it: data in part, sampling, what does not compare."""

from collections.abc import Iterable, Iterator, Sequence

from application.footnotes import TITLES
from application.options import TableOptions
from application.results import Actions, Masks, Result, Row, Store, Tracks
from recognition.datasets import open_annotations
from recognition.presets import find_preset
from segmentation.fbms import split_folders


def remarks_of(rows: Sequence[Row], options: TableOptions, workers: int) -> list[str]:
    """What a reader has to know before reading a number."""
    return [*_of_actions(rows, options), *_of_segments(rows, options), *_of_times(rows, workers), *_of_failures(rows)]


def _of_actions(rows: Sequence[Row], options: TableOptions) -> Iterator[str]:
    found = [result for result in _results(rows) if isinstance(result, Actions)]
    if not found or options.annotations is None:
        return
    whole = open_annotations(options.annotations, options.split)
    first = found[0]
    if first.clips < first.of_clips or first.clips_trained < first.of_clips_trained:
        yield (
            f"Action recognition is on a part of {whole.dataset}, split {first.split}: {len(first.classes)} of "
            f"{len(whole.classes)} classes, {first.clips_trained} of {first.of_clips_trained} training and "
            f"{first.clips} of {first.of_clips} test clips, so chance is {1 / len(first.classes):.1%} and one clip "
            f"{1 / first.clips:.1%}."
        )
    preset = options.temporal
    if options.preset != "fn2-table5":
        table = find_preset("fn2-table5", "temporal")
        yield (
            f"The temporal stream is the preset {options.preset} ({preset.network}, {preset.length} fields, "
            f"{first.steps} steps); the published table's is fn2-table5 ({table.network}, {table.length} fields, "
            f"{table.schedule.iterations} steps)."
        )
    if options.steps is not None:
        yield f"Trainings are of {options.steps} steps instead of the preset's {preset.schedule.iterations}."
    if len(options.seeds) == 1:
        yield "Each accuracy is of one training; others would differ by some clips."
    stores = [result for result in _results(rows) if isinstance(result, Store)]
    if stores and options.encoding != "float16":
        yield f"UCF101's flow is stored in 8 bits, up to {options.bound:g} px; larger motion is clipped and counted."
    if options.resize and stores:
        yield (
            f"UCF101's frames were resized to {options.resize} ({stores[0].width}x{stores[0].height}) before their "
            "flow was computed, for all methods: finer motion is lost, and displacements are of those pixels."
        )


def _of_segments(rows: Sequence[Row], options: TableOptions) -> Iterator[str]:
    tracks = [result for result in _results(rows) if isinstance(result, Tracks)]
    if tracks:
        first = tracks[0]
        assert options.fbms is not None
        splits = " and ".join(folder.absolute().name for folder in split_folders(options.fbms))
        which = "the published tracker and costs" if options.segmentation == "paper" else "our tracker and costs"
        yield (
            f"Motion segmentation follows points {first.sampling} px apart and parts them by minimum-cost multicut, "
            f"with {which}; MoSegEval scores all frames of a shot. {len(first.shots)} of {first.of_shots} shots of "
            f"FBMS-59's {splits} are here."
        )
    masks = [result for result in _results(rows) if isinstance(result, Masks)]
    if masks:
        yield f"On DAVIS: {masks[0].protocol}; {len(masks[0].sequences)} of {masks[0].of_sequences} sequences here."


def _of_times(rows: Sequence[Row], workers: int) -> Iterator[str]:
    if any("speed" in row.cells for row in rows):
        yield "Milliseconds a pair are of single pairs in memory, with no other measurement of this table beside them."
    if workers > 1 and any("store" in row.cells for row in rows):
        yield f"Rates of extraction are of {workers} measurements beside each other."


def _of_failures(rows: Sequence[Row]) -> Iterator[str]:
    missing = [row.name for row in rows if row.failed]
    cells = [(f"{row.name} ({TITLES[kind]})", cell) for row in rows for kind, cell in row.cells.items()]
    failed = [name for name, cell in cells if cell.result is None]
    parts = [name for name, cell in cells if getattr(cell.result, "failed", None)]
    for told, names in (
        ("Methods that could not be had", missing),
        ("Measurements that failed", failed),
        ("Measurements without some clips or shots, which failed", parts),
    ):
        if names:
            yield f"{told}: {', '.join(names)}; the reasons are below."


def _results(rows: Iterable[Row]) -> Iterator[Result]:
    return (cell.result for row in rows for cell in row.cells.values() if cell.result is not None)
