"""Progress of a table on standard error: measurements done, and how far those are that are being made."""

import sys
import time
from dataclasses import dataclass
from types import TracebackType

from tqdm import tqdm

from application.options import TableOptions
from application.results import Actions, Cell, Errors, Kind, Masks, Speed, Store, Tracks
from flowfeat.cli.output import duration
from flowfeat.wording import counted


@dataclass
class _State:
    begun: float
    first: int | None = None
    told: str = ""


class ReadingBar:
    """A bar over the files of a data set that have to be read, which appears if that takes longer than a moment."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def __enter__(self) -> "ReadingBar":
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def told(self, done: int, total: int) -> None:
        """So many files are read."""
        if self._bar is None or self._bar.total != total:
            self._close()
            looks = "reading the data, {n_fmt}/{total_fmt} files [{elapsed}<{remaining}]"
            self._bar = tqdm(total=total, file=sys.stderr, dynamic_ncols=True, delay=2, bar_format=looks)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class TableBar:
    """A bar over measurements, with what each is at, its rate and the time it will take; a line for each that ends."""

    def __init__(self, options: TableOptions):
        self._kinds = {model: len(options.kinds_of(model)) for model in options.models}
        self._at: dict[tuple[str, Kind], _State] = {}
        self._bar: tqdm | None = None

    def __enter__(self) -> "TableBar":
        # In a file a line every so often is enough.
        interval = 0.5 if sys.stderr.isatty() else 10.0
        looks = "{n_fmt}/{total_fmt} measured [{elapsed}]{postfix}"
        total = sum(self._kinds.values())
        # No least number of steps between two looks: a measurement takes long, and what it is at changes meanwhile.
        self._bar = tqdm(
            total=total, file=sys.stderr, dynamic_ncols=True, mininterval=interval, miniters=0, bar_format=looks
        )
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def closed(self, method: str, reason: str) -> None:
        """A method cannot be had."""
        assert self._bar is not None
        self._bar.write(f"{method}: {reason}", file=sys.stderr)
        self._bar.update(self._kinds[method])

    def begun(self, method: str, kind: Kind) -> None:
        """A measurement is being made."""
        self._at[method, kind] = _State(time.monotonic())
        self._show()

    def progress(self, method: str, kind: Kind, done: int, total: int | None, what: str) -> None:
        """How far it is."""
        state = self._at[method, kind]
        now = time.monotonic()
        if state.first is None or done < state.first:  # what stood before, and another thing that is counted
            state.first, state.begun = done, now
        rate = (done - state.first) / (now - state.begun) if now > state.begun else 0.0
        left = f", {duration((total - done) / rate)} left" if total and rate else ""
        state.told = f" {done}/{total or '?'} {what}, {rate:.1f}/s{left}"
        self._show()

    def told(self, cell: Cell, standing: bool) -> None:
        """A measurement ended."""
        self._at.pop((cell.method.name, cell.kind), None)
        assert self._bar is not None
        how = "standing" if standing else duration(cell.seconds)
        self._bar.write(f"{cell.method.name}, {cell.kind}: {describe(cell)} ({how})", file=sys.stderr)
        self._bar.update(1)
        self._show()

    def _show(self) -> None:
        assert self._bar is not None
        states = "; ".join(f"{method} {kind}{state.told}" for (method, kind), state in self._at.items())
        self._bar.set_postfix_str(states, refresh=False)
        self._bar.update(0)


def describe(cell: Cell) -> str:
    """A measurement in some words."""
    match cell.result:
        case None:
            return f"failed: {cell.failed}"
        case Speed() as speed:
            return f"{speed.milliseconds:.0f} ms a pair of {speed.width}x{speed.height}"
        case Errors() as errors:
            return f"endpoint error {_number(errors.columns.get('EPE'), '.3f')} px on {errors.dataset}"
        case Tracks() as tracks:
            share = _number(tracks.f_measure, ".3f")
            return f"F {share}, {tracks.extracted} of {tracks.visible} objects, {_failed(tracks.failed, 'shots')}"
        case Masks() as masks:
            return f"J {_number(masks.J, '.3f')}, {_failed(masks.failed, 'sequences')}"
        case Store() as store:
            return f"{counted(store.clips, 'clip')}, {counted(store.pairs, 'pair')}, {_failed(store.failed, 'clips')}"
        case Actions() as actions:
            return f"accuracy {actions.accuracy:.3f} on {actions.clips} clips, {_failed(actions.failed, 'parts')}"


def _number(value: float | None, form: str) -> str:
    return "undefined" if value is None else f"{value:{form}}"


def _failed(failed: dict[str, str], what: str) -> str:
    return f"{len(failed)} {what} failed" if failed else "none failed"
