"""What a reader has to know: of all numbers before comparing them, and of the columns of each table."""

from collections.abc import Iterable, Iterator, Sequence

from application import published
from application.columns import result_of
from application.comparable import Difference, compare
from application.footnotes import TITLES
from application.results import Actions, Row, Tracks
from recognition.report.table import percent

NOT_MEASURED = "–"
OTHER_DATA = "†"
"""Behind a number that was measured on other data than the rest of its column."""


def cautions(rows: Sequence[Row]) -> Iterator[str]:
    """Sentences on what compares with what: rows with the published ones, and with each other."""
    yield (
        f"Rows measured here and rows of {published.SOURCE} do not compare directly: "
        f"{'; '.join(_against_paper(rows))}. The published rows say what the paper found, not what is to be reached "
        "here."
    )
    yield published.CAPTION
    yield published.MEANING
    for kind, title in TITLES.items():
        on_other_data = compare(rows, kind)
        yield from _apart(rows, title, on_other_data.others, on_other_data.methods)
        if kind in ("speed", "store"):
            timed = compare(rows, kind, timed=True)
            known = {each.method for each in on_other_data.others}
            others = [each for each in timed.others if each.method not in known]
            yield from _apart(rows, f"times of {title}", others, timed.methods)


def paper_note(rows: Sequence[Row]) -> str:
    """Of the first table."""
    several = any(len(actions.seeds) > 1 for actions in _actions(rows))
    return (
        "F and accuracy in percent. F: MoSegEval's F-measure of tracks on FBMS-59. Extracted: objects with F above "
        "75 %, of all that are visible. Accuracy: of the temporal stream on UCF101, over test clips"
        f"{', mean ± standard deviation over seeds' if several else ''}, with Wilson's 95 % interval. Bold: best of a "
        "column among rows measured on identical data; where intervals overlap, the order is not proven. "
        f"{NOT_MEASURED} not measured. {OTHER_DATA} measured on other data than the other rows, compares with none. "
        f"{published.MEANING}"
    )


def fbms_note(rows: Sequence[Row]) -> str:
    """Of the table of tracks."""
    data = compare(rows, "fbms").data
    how = (
        f"Points every {data['sampling']}, scored over whole shots by the protocol {data['protocol']}. " if data else ""
    )
    return (
        f"{how}Means over shots in percent, but for the length of tracks, which is the mean over all tracks in frames. "
        "Density: share of the annotated pixels that have a point. F of one cluster: what one single segment would "
        "score, which a segmentation has to beat."
    )


def davis_note(rows: Sequence[Row]) -> str:
    """Of the table of masks."""
    data = compare(rows, "davis").data
    how = f"Protocol: {data['protocol']}. " if data else ""
    return (
        f"{how}J is the region similarity, F that of boundaries, means over sequences in percent. J of the whole "
        "picture: what taking everything for the object would score."
    )


def recognition_note(rows: Sequence[Row]) -> str:
    """Of the table of action recognition."""
    actions = _actions(rows)
    chance = _either(percent(1 / len(found.classes)) for found in actions if found.classes)
    training = _either(f"{found.preset}, {found.steps} steps" for found in actions)
    how = f"Percent; chance is {chance}. Temporal stream on stored flow ({training}). " if actions else ""
    return (
        f"{how}95 %: Wilson's interval of the accuracy for as many clips, which takes clips to be independent; where "
        "several are of one video, it is too narrow. Flow histogram + SVM is a baseline that learns no features."
    )


def errors_note(rows: Sequence[Row]) -> str:
    """Of the table of endpoint errors."""
    data = compare(rows, "errors").data
    over = f", over {data['pairs']}" if data else ""
    return (
        f"Endpoint error in pixels{over}. Motion boundaries: within 4 px of an edge of the true motion. A lower "
        "endpoint error is not a better classifier: accuracy goes with the error at motion boundaries and at small "
        "displacements (Sevilla-Lara et al.)."
    )


def speed_note(rows: Sequence[Row]) -> str:
    """Of the table of times and sizes."""
    data = compare(rows, "speed", timed=True).data
    where = f" on {data['device']} of {data['processor'] if data['gpu'] == 'None' else data['gpu']}" if data else ""
    return (
        f"ms a pair: the median of single pairs in memory{where}. Extraction: decoding and writing included. Clipped: "
        "share of the pixels with a component beyond the bound of the store."
    )


def _against_paper(rows: Sequence[Row]) -> Iterator[str]:
    tracks, actions = _tracks(rows), _actions(rows)
    if tracks:
        shots = _either(f"{len(found.shots)} of {found.of_shots}" for found in tracks)
        sampling = _either(f"{found.sampling} px" for found in tracks)
        yield f"F here is of {shots} shots with points every {sampling}, published F of the 29 training shots at 4 px"
    if actions:
        classes = _either(str(len(found.classes)) for found in actions)
        clips = _either(f"{found.clips} of {found.of_clips}" for found in actions)
        training = _either(f"{found.preset}, {found.steps} steps" for found in actions)
        split = _either(str(found.split) for found in actions)
        yield (
            f"accuracy here is over {classes} classes and {clips} test clips of split {split} after the training "
            f"{training}, published accuracy over all 101 classes, of a split and after a training that are stated "
            "nowhere"
        )
    if not tracks and not actions:
        yield "nothing that the paper has was measured here"


def _apart(rows: Sequence[Row], title: str, others: Iterable[Difference], methods: frozenset[str]) -> Iterator[str]:
    rest = ", ".join(row.name for row in rows if row.name in methods)
    for each in others:
        yield (
            f"{each.method}, {title}: measured on other data or in another way than {rest} ({each.told}), so these "
            f"rows do not compare ({OTHER_DATA})."
        )


def _tracks(rows: Sequence[Row]) -> list[Tracks]:
    return [found for row in rows if isinstance(found := result_of(row, "fbms"), Tracks)]


def _actions(rows: Sequence[Row]) -> list[Actions]:
    return [found for row in rows if isinstance(found := result_of(row, "actions"), Actions)]


def _either(told: Iterable[str]) -> str:
    """What all have in common; where they differ, each of it."""
    return " or ".join(dict.fromkeys(told))
