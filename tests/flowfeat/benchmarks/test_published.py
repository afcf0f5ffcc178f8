from itertools import product

import pytest

from flowfeat.benchmarks import COLUMNS_OF, published_rows
from flowfeat.datasets import DATASET_NAMES, reported_split
from flowfeat.networks.zoo import named_composition

ROWS = [
    row
    for name, rendering in product(DATASET_NAMES, (None, "clean", "final"))
    for row in published_rows(name, reported_split(name), rendering)
]


def test_every_row_has_a_source_and_columns_that_are_measured():
    assert len(ROWS) > 80
    for row in ROWS:
        assert row.source, row
        assert set(row.columns) <= set(COLUMNS_OF[row.dataset]), row
        assert named_composition(row.model) is not None, row
        assert (row.rendering is None) == (row.dataset != "sintel"), row
        for name, value in row.columns.items():
            assert 0 < value < (1 if name == "Fl-all" else 30), row


def test_no_row_stands_twice():
    keys = [(row.model, row.dataset, row.rendering, row.source, row.training, row.note) for row in ROWS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("error", [3.14, 3.23])
def test_the_wrong_errors_of_the_first_version_say_so(error: float):
    (row,) = [row for row in published_rows("sintel", "train", "final") if row.columns["EPE"] == error]
    assert "too low: measured on a final pass without atmosphere" in row.note


@pytest.mark.parametrize(
    ("model", "rendering", "error"),
    [
        ("flownet2", "clean", 2.02),
        ("flownet2", "final", 3.54),
        ("flownet2-CSS", "clean", 2.10),
        ("flownets", "clean", 4.50),
        ("flownetc", "final", 5.87),
        ("flownet2-CSS-ft-sd", "final", 3.57),
    ],
)
def test_rows_that_the_design_notes_quote_were_checked(model: str, rendering: str, error: float):
    rows = published_rows("sintel", "train", rendering)
    assert any(row.model == model and row.columns["EPE"] == error and row.checked for row in rows)
