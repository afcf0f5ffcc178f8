"""`flowfeat verify` and `flowfeat repair`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import result, result_json, size
from flowfeat.cli.progress import CountBar, ProgressBar
from flowfeat.extraction import ExtractionOptions, repair
from flowfeat.store.verify import Verification, verify
from flowfeat.wording import counted

_SHOWN = 20


@dataclass(frozen=True)
class Verify:
    """Check a store: counts, checksums, ranges and every plane of every clip; status 1 where something is wrong.

    flowfeat verify ucf101-flow
    """

    store: Positional[Path]
    """The folder of the store."""
    json: bool = False
    """Print what was found as JSON on standard output."""

    def run(self) -> int:
        with CountBar("clips") as progress:
            found = verify(self.store, progress=progress)
        result_json({**vars(found), "clean": found.clean}) if self.json else result(describe_verification(found))
        return DONE if found.clean else INCOMPLETE


@dataclass(frozen=True)
class RepairCommand:
    """Extract anew what verify finds wrong or missing, and nothing else.

    flowfeat repair ucf101-flow UCF-101/
    """

    store: Positional[Path]
    """The folder of the store; no other process may be extracting into it."""
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """Where the clips are, as they were given to extract."""
    model: str | None = None
    """Only for flow computed elsewhere: files:DIR."""
    weights: Path | None = None
    """The checkpoint the store was made with, where its model takes one."""
    batch: int | None = None
    """Pairs that are computed together; chosen as `flowfeat extract` does, if not given."""
    workers: int | None = None
    """Threads that encode, of all devices together; half as many processes decode. One a processor by default."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    json: bool = False
    """Print what was found and done as JSON on standard output."""

    def run(self) -> int:
        options = ExtractionOptions(
            out=self.store,
            model=self.model,
            weights=self.weights,
            batch=self.batch,
            workers=self.workers,
            device=self.device,
        )
        with ProgressBar() as progress:
            done = repair(self.inputs, options, progress=progress)
        if self.json:
            result_json({**vars(done), "complete": done.complete})
        else:
            before = len(done.before.faults) + len(done.before.missing)
            result(
                f"{counted(before, 'clip')} faulty or missing before, {done.extraction.extracted} extracted anew, "
                f"{done.partial_files_removed} partial files removed\nnow: {describe_verification(done.after)}"
            )
        return DONE if done.complete else INCOMPLETE


def describe_verification(found: Verification) -> str:
    """What a verification found, in a few lines."""
    lines = [
        f"{found.store}: {'clean' if found.clean else 'NOT clean'}: {counted(found.clips, 'clip')}, "
        f"{counted(found.frames, 'frame')}, {counted(found.pairs, 'pair')}, {size(found.bytes)}, "
        f"{found.clipped_share:.3%} of the pixels clipped"
    ]
    wrong = [
        *(f"  faulty: {fault}" for fault in found.faults.values()),
        *(f"  missing: {key}: {reason}" for key, reason in found.missing.items()),
    ]
    for part in (wrong, [f"  note: {note}" for note in found.notes]):
        lines += part[:_SHOWN] + ([f"  ... and {len(part) - _SHOWN} more"] if len(part) > _SHOWN else [])
    return "\n".join(lines)
