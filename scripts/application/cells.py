"""The measurements of the table: what decides each, what stands of it on disk, and making one."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from application.actions import measure_actions, measure_store
from application.inputs import Inputs, digest_of_listing, digest_of_store
from application.layout import Layout
from application.motion import measure_davis, measure_fbms
from application.options import TableOptions
from application.results import KINDS, SCHEMA, Cell, Kind, Method, Result, Row
from application.speed import Progress, measure_speed
from application.truth import measure_errors
from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError
from flowfeat.estimators import FlowEstimator
from flowfeat.estimators.protocol import resolve_device
from flowfeat.provenance import machine, versions
from flowfeat.typed_json import json_bytes, plain, typed

logger = logging.getLogger(__name__)

_MEASURE: dict[Kind, Callable[[TableOptions, str, dict[str, str], Progress], Result]] = {
    "speed": lambda options, model, _, progress: measure_speed(options, model, progress),
    "errors": lambda options, model, _, progress: measure_errors(options, model, progress),
    "fbms": lambda options, model, _, progress: measure_fbms(options, model, progress),
    "davis": lambda options, model, _, progress: measure_davis(options, model, progress),
    "store": measure_store,
    "actions": measure_actions,
}


def method_of(name: str, estimator: FlowEstimator) -> Method:
    """What a row is of."""
    about = estimator.description
    return Method(name, about.model, about.library, dict(about.parameters), about.weights_sha256)


def made_of(kind: Kind, method: Method, options: TableOptions, inputs: Inputs) -> dict[str, str]:
    """What decides a measurement, as text: the method, with the version of the library that computes it (OpenCV, or
    flowfeat itself), data and settings; of times the machine and the device too. Other versions, and where flow is
    computed, are recorded and decide nothing.

    Raises StoreError where the store that it needs cannot be read.
    """
    flow = {"method": _text(asdict(method))}
    if method.name.startswith("files:"):
        # Fields of one size have files of one size, so flow that was computed again is told by its time alone.
        flow["files"] = digest_of_listing(Path(method.name.removeprefix("files:").removesuffix("+v")))
    if kind == "speed":
        clips = inputs.ucf101 or inputs.fbms or inputs.davis
        place = machine()
        device = resolve_device(options.device).type
        return flow | {"clips": clips or "", "device": device, "machine": f"{place['processor']}, {place['gpu']}"}
    if kind == "errors":
        assert options.truth is not None
        return flow | {"truth": inputs.truth or "", "dataset": options.truth[0]}
    if kind in ("fbms", "davis"):
        settings = {"tracker": asdict(options.tracker), "segmentation": asdict(options.parting)}
        if kind == "fbms":
            return flow | {"fbms": inputs.fbms or "", "settings": _text(settings)}
        return flow | {"davis": inputs.davis or "", "settings": _text(settings | {"dense": asdict(options.dense)})}
    flow |= {"resize": options.resize or "", "encoding": options.encoding, "bound": str(options.bound)}
    if kind == "store":
        return flow | {"ucf101": inputs.ucf101 or ""}
    return flow | {
        "flow": digest_of_store(Layout(options.out).store(method.name, flow)),
        "annotations": inputs.annotations or "",
        "split": str(options.split),
        "seeds": " ".join(map(str, options.seeds)),
        "preset": _text(plain(options.temporal)),
        "steps": str(options.steps or ""),
    }


def read_cell(path: Path) -> Cell | None:
    """A measurement that is on disk; None where none is. Raises FormatError where the file is damaged."""
    try:
        table = json.loads(path.read_bytes())
        if not isinstance(table, dict) or table.get("schema") != SCHEMA:
            raise InputError(f"it is not of schema {SCHEMA}")
        kind = table.get("kind")
        if kind not in KINDS:
            raise InputError(f"{kind!r} is no measurement")
        result = None if table.get("result") is None else typed(KINDS[kind], table["result"], "result")
        return replace(typed(Cell, table | {"result": None}, "it"), result=result)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError, InputError) as fault:
        told = fault if isinstance(fault, InputError) else "it is not JSON"
        raise FormatError(f"{path}: the record is damaged ({told}); remove it, and it is measured again") from None


def complete(row: Row) -> bool:
    """Whether nothing of a row failed, in part or as a whole, and no clip of its lists is missing."""
    results = [cell.result for cell in row.cells.values()]
    in_part = any(getattr(result, "failed", None) or getattr(result, "missing", 0) for result in results)
    return row.failed is None and None not in results and not in_part


def stands(cell: Cell | None, now: dict[str, str]) -> bool:
    """Whether a measurement is whole, and would be made of the same now."""
    if cell is None or cell.result is None or cell.made_of != now:
        return False
    return not getattr(cell.result, "failed", {})


def measure(kind: Kind, method: Method, decided_by: dict[str, str], options: TableOptions, progress: Progress) -> Cell:
    """Make a measurement and its record. What goes wrong is in it; nothing but an interruption is raised.

    Raises:
        KeyboardInterrupt: on Ctrl-C; then no record is written.
        OSError: the record cannot be written.
    """
    begun, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    result, failed = None, None
    try:
        result = _MEASURE[kind](options, method.name, decided_by, progress)
    except InputError as fault:
        failed = str(fault)
    except OSError as fault:
        failed = f"{fault.filename or Layout(options.out).home}: {fault.strerror or fault}"
    except Exception as fault:  # a fault of ours must not cost the other measurements
        logger.exception("%s of %s", kind, method.name)
        failed = f"{type(fault).__name__}: {fault}"
    return keep(options, kind, method, decided_by, begun, time.monotonic() - clock, result, failed)


def keep(
    options: TableOptions,
    kind: Kind,
    method: Method,
    decided_by: dict[str, str],
    begun: str,
    seconds: float,
    result: Result | None,
    failed: str | None,
) -> Cell:
    """Write the record of a measurement. Raises OSError where it cannot be written."""
    cell = Cell(kind, method, decided_by, result, failed, begun, round(seconds, 3), machine(), versions())
    path = Layout(options.out).cell(method.name, kind)
    write_atomically(path, json_bytes(cell))
    return cell


def _text(table: Any) -> str:
    return json.dumps(plain(table), sort_keys=True)
