"""The columns of the application table: which cell each is of, its number, and its text."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from application.results import Actions, Cell, Errors, Kind, Row, Speed, Store, Tracks
from recognition.metrics import mean_and_spread
from recognition.report.table import interval, percent, spread

Number = float | int | None

UNDEFINED = "undefined"
"""In place of a number that does not exist, as the error where no pixel counts."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: in CSV and JSON; shares are fractions there.
        head: in tables for people; shares are percent there.
        kind: of the cells that have it.
        number: of a cell's result; None where it does not exist.
        text: of a result that has the number.
        better: which end of the numbers is the good one; None where neither is: a method that sees no motion has the
            longest tracks, and one single cluster the highest precision.
        timed: whether the number depends on the machine too.
    """

    name: str
    head: str
    kind: Kind
    number: Callable[[Any], Number]
    text: Callable[[Any], str]
    better: Literal["higher", "lower"] | None = None
    timed: bool = False

    def number_of(self, row: Row) -> Number:
        """The number in a row; None where it was not measured, failed, or does not exist."""
        result = result_of(row, self.kind)
        return None if result is None else self.number(result)

    def text_of(self, result: Any) -> str:
        """What stands in a table of a result."""
        return UNDEFINED if self.number(result) is None else self.text(result)


def cell_of(row: Row, kind: Kind) -> Cell | None:
    """A measured cell of a row; None where it failed or was not asked for."""
    cell = row.cells.get(kind)
    return cell if cell is not None and cell.result is not None else None


def result_of(row: Row, kind: Kind) -> Any:
    """The result of `cell_of`, which is of the class that `results.KINDS` has for the kind; None without one."""
    cell = cell_of(row, kind)
    return None if cell is None else cell.result


def track_length(tracks: Tracks) -> float | None:
    """The mean length of all tracks of all shots, in frames; None without a track."""
    count = sum(shot.tracks for shot in tracks.shots)
    return sum(shot.points for shot in tracks.shots) / count if count else None


def kib_a_pair(store: Store) -> float | None:
    """Size of the store's files for a pair of frames; None without a pair."""
    return store.bytes / 1024 / store.pairs if store.pairs else None


def pairs_a_second(store: Store) -> float | None:
    """Of extraction, decoding and writing included; None where no session came to an end."""
    return store.pairs_timed / store.seconds if store.seconds > 0 and store.pairs_timed else None


def _share(
    name: str, head: str, kind: Kind, number: Callable[[Any], Number], better: Literal["higher", "lower"] | None
) -> Column:
    return Column(name, head, kind, number, lambda found: percent(number(found) or 0), better)


def _pixels(name: str, head: str, column: str) -> Column:
    def number(errors: Errors) -> float | None:
        return errors.columns.get(column)

    return Column(name, head, "errors", number, lambda found: f"{number(found):.3f}", "lower")


def _count(done: int, of: int) -> str:
    return f"{done} of {of}"


def _accuracy(actions: Actions) -> str:
    return spread(mean_and_spread(actions.accuracies)) if len(actions.accuracies) > 1 else percent(actions.accuracy)


def _sides(of: Speed | Store) -> str:
    return f"{of.width} x {of.height}"


def _milliseconds(speed: Speed) -> str:
    taken = speed.milliseconds
    return f"{taken:.0f}" if taken >= 100 else f"{taken:.1f}" if taken >= 1 else f"{taken:.2g}"


def _clipped(store: Store) -> str:
    share = store.clipped_share
    return f"{100 * share:.2f}" if share >= 5e-5 or share == 0 else "under 0.01"


F_MEASURE = _share("fbms_f_measure", "F", "fbms", lambda found: found.f_measure, "higher")
EXTRACTED = Column(
    "fbms_extracted",
    "extracted",
    "fbms",
    lambda found: found.extracted,
    lambda found: _count(found.extracted, found.visible),
    "higher",
)
SHOTS = Column(
    "fbms_shots",
    "shots",
    "fbms",
    lambda found: len(found.shots),
    lambda found: _count(len(found.shots), found.of_shots),
)
ACCURACY = Column("ucf101_accuracy", "accuracy", "actions", lambda found: found.accuracy, _accuracy, "higher")
INTERVAL = Column(
    "ucf101_accuracy_low", "95 %", "actions", lambda found: found.interval[0], lambda found: interval(found.interval)
)
CLIPS = Column(
    "ucf101_clips",
    "test clips",
    "actions",
    lambda found: found.clips,
    lambda found: _count(found.clips, found.of_clips),
)
MILLISECONDS = Column(
    "milliseconds_a_pair",
    "ms a pair",
    "speed",
    lambda found: found.milliseconds,
    _milliseconds,
    "lower",
    timed=True,
)
EPE = _pixels("epe_px", "EPE", "EPE")
EDGES = _pixels("epe_edges_px", "EPE at motion boundaries", "edges")

PAPER = (F_MEASURE, EXTRACTED, SHOTS, ACCURACY, INTERVAL, CLIPS)
"""Those of the first table, which has the published rows too."""

SEGMENTATION = (
    F_MEASURE,
    _share("fbms_precision", "precision", "fbms", lambda found: found.precision, None),
    _share("fbms_recall", "recall", "fbms", lambda found: found.recall, None),
    EXTRACTED,
    _share("fbms_one_cluster_f_measure", "F of one cluster", "fbms", lambda found: found.one_cluster, None),
    # MoSegEval's own unit; everything else here is a fraction.
    Column(
        "fbms_density_percent",
        "density %",
        "fbms",
        lambda found: found.density,
        lambda found: f"{found.density:.2f}",
    ),
    Column(
        "fbms_track_length_frames",
        "track length",
        "fbms",
        track_length,
        lambda found: f"{track_length(found):.1f}",
    ),
    SHOTS,
)

DAVIS = (
    _share("davis_j", "J", "davis", lambda found: found.J, "higher"),
    _share("davis_f", "F (boundary)", "davis", lambda found: found.F, "higher"),
    _share("davis_one_cluster_j", "J of the whole picture", "davis", lambda found: found.one_cluster, None),
    Column(
        "davis_sequences",
        "sequences",
        "davis",
        lambda found: len(found.sequences),
        lambda found: _count(len(found.sequences), found.of_sequences),
    ),
)

RECOGNITION = (
    ACCURACY,
    INTERVAL,
    Column(
        "ucf101_mean_class_accuracy",
        "mean class accuracy",
        "actions",
        lambda found: fmean(found.mean_class_accuracies),
        lambda found: spread(mean_and_spread(found.mean_class_accuracies)),
        "higher",
    ),
    _share("ucf101_top5", "top 5", "actions", lambda found: found.top5, "higher"),
    _share("ucf101_baseline", "flow histogram + SVM", "actions", lambda found: found.baseline, None),
    Column("ucf101_seeds", "seeds", "actions", lambda found: len(found.seeds), lambda found: str(len(found.seeds))),
    Column(
        "ucf101_clips_trained",
        "training clips",
        "actions",
        lambda found: found.clips_trained,
        lambda found: _count(found.clips_trained, found.of_clips_trained),
    ),
    CLIPS,
)

ERRORS = (
    EPE,
    _pixels("epe_below_1px_of_motion_px", "EPE below 1 px of motion", "s0-1"),
    EDGES,
    _share("share_error_below_1px", "error below 1 px, %", "errors", lambda found: found.columns.get("<1px"), "higher"),
    Column("error_pairs", "pairs", "errors", lambda found: found.pairs, lambda found: str(found.pairs)),
)

SPEED = (
    MILLISECONDS,
    Column("speed_width", "frames", "speed", lambda found: found.width, _sides),
    Column(
        "extraction_pairs_a_second",
        "extraction, pairs/s",
        "store",
        pairs_a_second,
        lambda found: f"{pairs_a_second(found):.1f}",
        "higher",
        timed=True,
    ),
    Column("store_kib_a_pair", "KiB a pair", "store", kib_a_pair, lambda found: f"{kib_a_pair(found):.2f}", "lower"),
    Column("store_clipped_share", "clipped, %", "store", lambda found: found.clipped_share, _clipped),
    Column("store_width", "stored flow", "store", lambda found: found.width, _sides),
    Column("store_clips", "clips", "store", lambda found: found.clips, lambda found: str(found.clips)),
)

UNSEEN = (
    Column("fbms_visible", "visible objects", "fbms", lambda found: found.visible, lambda found: str(found.visible)),
    Column("fbms_of_shots", "of shots", "fbms", lambda found: found.of_shots, lambda found: str(found.of_shots)),
    Column(
        "fbms_seconds",
        "seconds",
        "fbms",
        lambda found: sum(shot.seconds for shot in found.shots),
        lambda found: f"{sum(shot.seconds for shot in found.shots):.0f}",
        timed=True,
    ),
    Column(
        "davis_of_sequences",
        "of sequences",
        "davis",
        lambda found: found.of_sequences,
        lambda found: str(found.of_sequences),
    ),
    Column(
        "ucf101_accuracy_high",
        "95 %, to",
        "actions",
        lambda found: found.interval[1],
        lambda found: percent(found.interval[1]),
    ),
    Column(
        "ucf101_accuracy_spread",
        "over seeds",
        "actions",
        lambda found: mean_and_spread(found.accuracies).spread,
        lambda found: percent(mean_and_spread(found.accuracies).spread or 0),
    ),
    Column(
        "ucf101_of_clips", "of test clips", "actions", lambda found: found.of_clips, lambda found: str(found.of_clips)
    ),
    Column(
        "ucf101_of_clips_trained",
        "of training clips",
        "actions",
        lambda found: found.of_clips_trained,
        lambda found: str(found.of_clips_trained),
    ),
    Column("ucf101_missing", "missing", "actions", lambda found: found.missing, lambda found: str(found.missing)),
    Column(
        "ucf101_classes", "classes", "actions", lambda found: len(found.classes), lambda found: str(len(found.classes))
    ),
    Column("speed_height", "height", "speed", lambda found: found.height, lambda found: str(found.height)),
    Column("speed_pairs", "pairs", "speed", lambda found: found.pairs, lambda found: str(found.pairs)),
    Column("store_height", "height", "store", lambda found: found.height, lambda found: str(found.height)),
    Column("store_pairs", "pairs", "store", lambda found: found.pairs, lambda found: str(found.pairs)),
    Column("store_bytes", "bytes", "store", lambda found: found.bytes, lambda found: str(found.bytes)),
)
"""In files for programs alone: people see them within other columns."""

EVERY = tuple(
    {column.name: column for column in (*PAPER, *SEGMENTATION, *DAVIS, *RECOGNITION, *ERRORS, *SPEED, *UNSEEN)}.values()
)
"""All columns, each once, in the order of the tables."""
