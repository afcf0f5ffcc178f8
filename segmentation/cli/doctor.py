"""`flowfeat segmentation doctor`."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.wording import counted
from segmentation.doctor import Diagnosis, Finding, check_dataset


@dataclass(frozen=True)
class Doctor:
    """Find what is wrong with a copy of FBMS-59 or DAVIS; status 1 where scores on it would be wrong.

    flowfeat segmentation doctor FBMS
    """

    dataset: Positional[Path]
    """The folder that the data set was unpacked in."""
    json: bool = False
    """Print what was found as JSON on standard output."""

    def run(self) -> int:
        with CountBar("shots") as progress:
            found = check_dataset(self.dataset, progress)
        if self.json:
            result_json({**asdict(found), "healthy": found.healthy, "faults": found.faults})
        else:
            result(_text(found))
        return DONE if found.healthy else INCOMPLETE


def _text(found: Diagnosis) -> str:
    lines = [
        f"{found.root}: {found.dataset}, {counted(found.shots, 'shot')}, "
        f"{counted(found.frames, 'frame')}, {found.annotated} annotated: "
        f"{'no fault' if found.healthy else counted(found.faults, 'fault')}"
    ]
    for finding in sorted(found.findings, key=lambda finding: not finding.fault):
        lines.append(f"  {_heading(finding)}: {finding.path}: {finding.told}")
    return "\n".join(lines)


def _heading(finding: Finding) -> str:
    return finding.kind if finding.fault else "remark"
