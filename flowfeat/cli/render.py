"""`flowfeat render`: training pairs out of nothing but a seed."""

import re
from dataclasses import dataclass
from pathlib import Path

from flowfeat.cli import DONE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.rendering import PairSettings, Setting, render_folder
from flowfeat.rendering.displacements import EDGES, bin_names
from flowfeat.wording import counted


@dataclass(frozen=True)
class Render:
    """Render training pairs with exact flow in FlyingChairs' layout, with occlusions and a contact sheet.

    flowfeat render --out pairs --setting small --pairs 2000 --size 192x256

    Run again to go on, or with more --pairs for more of the same.
    """

    out: Path
    """The folder of the pairs."""
    setting: Setting = "large"
    """As FlyingChairs, as Middlebury, as ChairsSDHom, or as a camera that stands or pans."""
    pairs: int = 1000
    """How many the folder holds in the end."""
    size: str = "384x512"
    """HEIGHTxWIDTH of the frames."""
    seed: int = 0
    """Another seed, other pairs."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    json: bool = False
    """Print a summary as JSON on standard output."""

    def run(self) -> int:
        size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", self.size)
        if size is None:
            raise InputError(f"--size {self.size!r} is not HEIGHTxWIDTH, as 384x512")
        settings = PairSettings(self.setting, int(size[1]), int(size[2]), self.seed)
        with CountBar("pairs") as progress:
            found = render_folder(self.out, settings, self.pairs, resolve_device(self.device), progress)
        if self.json:
            result_json({"out": self.out, **vars(settings), **vars(found), "edges": EDGES})
            return DONE
        result(
            f"{self.out}: {counted(found.pairs, 'pair')} of {self.size}, {found.written} written now, "
            f"{found.validation} marked as validation; "
            f"{found.occluded:.1%} occluded, mean displacement {found.mean_displacement:.2f} px"
        )
        result(
            columns(
                [(name, f"{share:.1%}") for name, share in zip(bin_names(), found.displacements, strict=True)], (1,)
            )
        )
        return DONE
