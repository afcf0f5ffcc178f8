"""`flowfeat export` and `flowfeat import`: others' layouts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.store.layouts import export_store, import_layout
from flowfeat.store.settings import Encoding

LayoutName = Literal["mmaction2", "tsn", "feichtenhofer", "flo", "npy"]


@dataclass(frozen=True)
class Export:
    """Write a store in the layout of another tool, with a manifest of index base, bound and file pattern.

    flowfeat export ucf101-flow --layout mmaction2 --out rawframes
    """

    store: Positional[Path]
    """The folder of the store."""
    layout: LayoutName
    """mmaction2, tsn and feichtenhofer are JPEGs, flo and npy are pixels."""
    out: Path
    """The folder to write."""
    bound: float | None = None
    """Of a float16 store as JPEGs: the displacement in pixels that fills their range; 20 by default."""
    json: bool = False
    """Print the report as JSON on standard output."""

    def run(self) -> int:
        with CountBar("clips") as progress:
            report = export_store(self.store, self.layout, self.out, self.bound, progress)
        result_json(report) if self.json else result(report.describe())
        return DONE if report.complete else INCOMPLETE


@dataclass(frozen=True)
class Import:
    """Make a store of flow that another tool extracted.

    flowfeat import tvl1_flow/ --layout tsn --bound 20 --out ucf101-tvl1
    """

    folder: Positional[Path]
    """The folder in the other tool's layout; with the manifest of `flowfeat export` nothing else need be said."""
    layout: LayoutName
    """The layout of the folder."""
    out: Path
    """The store to make; run again to resume."""
    bound: float | None = None
    """Of JPEGs without a manifest: the displacement in pixels that fills their range, which the files do not say."""
    encoding: Encoding | None = None
    """How flow is stored; jpeg by default for JPEGs, float16 for flo and npy."""
    json: bool = False
    """Print the report as JSON on standard output."""

    def run(self) -> int:
        with CountBar("clips") as progress:
            report = import_layout(self.folder, self.layout, self.out, self.bound, self.encoding, progress)
        result_json(report) if self.json else result(report.describe())
        return DONE if report.complete else INCOMPLETE
