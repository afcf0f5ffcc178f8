"""Numbers that others published, each with where it is from, to stand beside ours.

`checked` says where a number could be read while this was written: in the source itself, or in something that quotes
it. The paper itself could not be had then, so what nothing quotes stands here from memory, and tables mark it.

The Sintel-final training errors of the paper's first version are wrong: its authors measured on a final pass without
fog and other atmosphere and said so (lmb-freiburg/flownet2, issue 13). Those rows say it too. KITTI errors of the
supplement's table of schedules are missing here: no source of them could be read.
"""

from dataclasses import dataclass, field

_PAPER = "Ilg et al., FlowNet 2.0, arXiv:1612.01925"
_PTLFLOW = "hmorimitsu/ptlflow, docs/source/results/paper_ptlflow_metrics.csv"
_MMFLOW = "open-mmlab/mmflow, configs/flownet2/README.md"
_TENSORPACK = "tensorpack/tensorpack, examples/OpticalFlow/README.md"
_TOO_LOW = "too low: measured on a final pass without atmosphere, lmb-freiburg/flownet2 issue 13"


@dataclass(frozen=True)
class Published:
    """A published row.

    Attributes:
        model: as `--model` calls it.
        dataset, split, rendering: as in a record.
        columns: by the names of our columns; shares as fractions.
        source: paper and table, or file.
        checked: where the number was read again; None where it is from memory.
        training: data and schedule, where a table tells models apart by it.
        milliseconds: a pair on the GTX 1080 of the paper.
        note: what else has to be known.
    """

    model: str
    dataset: str
    columns: dict[str, float]
    source: str
    checked: str | None = None
    split: str = "train"
    rendering: str | None = None
    training: str = ""
    milliseconds: float | None = None
    note: str = field(default="")


PUBLISHED_PAIRS = {
    ("sintel", "train"): 1041,
    ("kitti2012", "train"): 194,
    ("kitti2015", "train"): 200,
    ("middlebury", "train"): 8,
    ("flyingchairs", "validation"): 640,
}
"""How many pairs published errors are of: those of fewer pairs cannot be compared with them."""


def published_rows(dataset: str, split: str, rendering: str | None) -> list[Published]:
    """The rows of a data set's split, in the order of their tables."""
    return [
        row
        for row in (*_TABLE_1, *_TABLE_2, *_TABLE_3, *_TABLE_4, *_PTLFLOW_ROWS, *_MMFLOW_ROWS, *_OTHERS)
        if (row.dataset, row.split, row.rendering) == (dataset, split, rendering)
    ]


_ISSUE_90 = "lmb-freiburg/flownet2 issue 90"

_TABLE_1 = tuple(
    Published(model, "sintel", {"EPE": error}, f"{_PAPER}, Table 1", checked, rendering="clean", training=training)
    for model, training, error, checked in [
        ("flownets", "Chairs, S_short", 4.45, "NVIDIA/flownet2-pytorch issue 147"),
        ("flownets", "Chairs, S_long", 4.24, _ISSUE_90),
        ("flownets", "Chairs, S_fine", 4.21, None),
        ("flownets", "Things3D, S_long", 5.07, None),
        ("flownets", "Things3D, S_fine", 4.50, None),
        ("flownets", "both mixed, S_long", 4.52, None),
        ("flownets", "both mixed, S_fine", 4.10, None),
        ("flownet2-S", "Chairs S_long, Things3D S_fine", 3.79, _ISSUE_90),
        ("flownetc", "Chairs, S_short", 3.77, None),
        ("flownetc", "Chairs, S_long", 3.58, None),
        ("flownet2-C", "Chairs S_long, Things3D S_fine", 3.04, None),
    ]
)
"""Schedules of training."""

_TABLE_2 = tuple(
    Published(model, dataset, {"EPE": error}, f"{_PAPER}, Table 2", None, split, rendering, training)
    for model, training, *errors in [
        ("flownet2-S", "one network", 3.01, 3.79),
        ("flownet2-SS-nowarp", "second trained", 2.60, 4.29),
        ("flownet2-SS-nowarp", "both trained, loss after the second", 2.55, 4.29),
        ("flownet2-SS-nowarp", "both trained, loss after each", 2.38, 3.94),
        ("flownet2-SS", "second trained", 1.94, 2.93),
        ("flownet2-SS", "both trained, loss after the second", 1.96, 3.49),
        ("flownet2-SS", "both trained, loss after each", 1.78, 3.33),
    ]
    for (dataset, split, rendering), error in zip(
        [("flyingchairs", "validation", None), ("sintel", "train", "clean")], errors, strict=True
    )
)
"""Two networks stacked; the second is trained on Chairs."""

_TABLE_3 = tuple(
    Published(
        model,
        "sintel",
        {"EPE": error},
        f"{_PAPER}, Table 3",
        _PTLFLOW if model == "flownet2-CSS" else None,
        rendering="clean",
        milliseconds=milliseconds,
    )
    for model, error, milliseconds in [
        ("flownet2-s", 4.55, 7),
        ("flownet2-ss", 3.22, 14),
        ("flownet2-sss", 3.12, 20),
        ("flownet2-S", 3.79, 18),
        ("flownet2-SS", 2.56, 37),
        ("flownet2-c", 3.62, 17),
        ("flownet2-cs", 2.65, 24),
        ("flownet2-css", 2.51, 31),
        ("flownet2-csss", 2.49, 36),
        ("flownet2-C", 3.04, 33),
        ("flownet2-CS", 2.20, 51),
        ("flownet2-CSS", 2.10, 69),
    ]
)
"""Stacks, each network trained on Chairs and then Things3D."""


def _table_4(
    model: str, dataset: str, columns: dict[str, float], checked: str | None, rendering: str | None = None, note=""
) -> Published:
    return Published(model, dataset, columns, f"{_PAPER}, Table 4", checked, rendering=rendering, note=note)


_TABLE_4 = (
    _table_4("flownets", "sintel", {"EPE": 4.50}, _PTLFLOW, "clean"),
    _table_4("flownets", "sintel", {"EPE": 5.45}, _PTLFLOW, "final"),
    _table_4("flownetc", "sintel", {"EPE": 4.31}, _PTLFLOW, "clean"),
    _table_4("flownetc", "sintel", {"EPE": 5.87}, _PTLFLOW, "final"),
    _table_4("flownet2-css-ft-sd", "sintel", {"EPE": 2.50}, None, "clean"),
    _table_4("flownet2-CSS-ft-sd", "sintel", {"EPE": 2.08}, "lmb-freiburg/flownet2 issue 13", "clean"),
    _table_4("flownet2", "sintel", {"EPE": 2.02}, _PTLFLOW, "clean"),
    _table_4("flownet2-CSS", "sintel", {"EPE": 3.23}, _PTLFLOW, "final", f"first version, {_TOO_LOW}"),
    _table_4("flownet2", "sintel", {"EPE": 3.14}, None, "final", f"first version, {_TOO_LOW}"),
    _table_4("flownet2", "sintel", {"EPE": 3.54}, _PTLFLOW, "final", "corrected version"),
    *(
        _table_4(model, dataset, columns, checked)
        for model, kitti2012, kitti2015, fl, middlebury, known in [
            ("flownet2-s", 8.89, 16.42, 0.5681, 1.27, None),
            ("flownet2-ss", 5.45, 12.84, 0.4103, 0.68, None),
            ("flownet2-css", 4.49, 11.01, 0.3519, 0.54, None),
            ("flownet2-css-ft-sd", 4.71, 11.18, 0.3410, 0.43, None),
            ("flownet2-CSS", 3.55, 8.94, 0.2977, 0.44, _PTLFLOW),
            ("flownet2-CSS-ft-sd", 4.05, 10.07, 0.3073, 0.38, None),
            ("flownet2", 4.09, 10.08, 0.300, 0.35, _PTLFLOW),
        ]
        for dataset, columns, checked in [
            ("kitti2012", {"EPE": kitti2012}, None),
            ("kitti2015", {"EPE": kitti2015, "Fl-all": fl}, known),
            ("middlebury", {"EPE": middlebury}, None),
        ]
    ),
)
"""The networks of the paper on public benchmarks; methods of others are left out."""

_PTLFLOW_ROWS = tuple(
    Published(model, dataset, columns, f"{_PTLFLOW}: NVIDIA's files measured", _PTLFLOW, rendering=rendering, note=note)
    for model, clean, final, kitti, fl, note in [
        ("flownet2-S", 3.983, 5.264, 14.193, 0.51171, ""),
        ("flownet2-C", 3.109, 4.609, 11.502, 0.44188, ""),
        ("flownet2-CS", 2.294, 3.662, 9.272, 0.30561, ""),
        ("flownet2-CSS", 2.210, 3.551, 8.906, 0.29314, ""),
        ("flownet2-SD", 7.613, 7.770, 24.444, 0.57453, ""),
        ("flownet2", 2.223, 3.639, 10.090, 0.30475, ""),
    ]
    for dataset, rendering, columns in [
        ("sintel", "clean", {"EPE": clean}),
        ("sintel", "final", {"EPE": final}),
        ("kitti2015", None, {"EPE": kitti, "Fl-all": fl}),
    ]
)

_MMFLOW_ROWS = (
    *(
        Published(model, dataset, columns, f"{_MMFLOW}: their own training", _MMFLOW, rendering=rendering)
        for model, clean, final, kitti2012, fl, kitti2015 in [
            ("flownet2-CS", 1.96, 3.69, 3.50, 0.2828, 8.23),
            ("flownet2-CSS", 1.85, 3.57, 3.13, 0.2576, 7.72),
            ("flownet2-CSS-ft-sd", 1.81, 3.69, 2.98, 0.2566, 7.99),
            ("flownet2", 1.78, 3.31, 3.02, 0.2518, 8.02),
        ]
        for dataset, rendering, columns in [
            ("sintel", "clean", {"EPE": clean}),
            ("sintel", "final", {"EPE": final}),
            ("kitti2012", None, {"EPE": kitti2012}),
            ("kitti2015", None, {"EPE": kitti2015, "Fl-all": fl}),
        ]
    ),
    *(
        Published(model, dataset, {"EPE": error}, f"{_MMFLOW}: their own training", _MMFLOW, split)
        for model, dataset, split, error in [
            ("flownet2-CS", "flyingchairs", "validation", 1.59),
            ("flownet2-CSS", "flyingchairs", "validation", 1.55),
            ("flownet2-SD", "chairssdhom", "test", 0.37),
        ]
    ),
)

_OTHERS = (
    Published(
        "flownet2-CSS-ft-sd",
        "sintel",
        {"EPE": 3.57},
        "lmb-freiburg/flownet2 issue 13: a user with the published weights",
        "lmb-freiburg/flownet2 issue 13",
        rendering="final",
        note="confirmed by the authors",
    ),
    *(
        Published(model, "sintel", {"EPE": error}, f"{_TENSORPACK}: Caffe's weights", _TENSORPACK, rendering="clean")
        for model, error in [("flownet2-S", 3.82), ("flownet2-C", 3.08), ("flownet2", 2.10)]
    ),
)
