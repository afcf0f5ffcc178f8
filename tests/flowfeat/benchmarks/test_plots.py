import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fixture_datasets import middlebury_tree
from PIL import Image

from flowfeat.benchmarks import BenchmarkRecord, benchmark, plot_records
from flowfeat.errors import InputError
from flowfeat.estimators import EstimatorDescription, load_estimator

pytest.importorskip("matplotlib")


@pytest.fixture
def record(tmp_path: Path) -> BenchmarkRecord:
    return benchmark("middlebury", middlebury_tree(tmp_path / "data"), [load_estimator("zero", device="cpu")])


def renamed(record: BenchmarkRecord, *names: str) -> BenchmarkRecord:
    """The record with its model once under each of these names."""
    models = [
        dataclasses.replace(
            record.models[0],
            model=EstimatorDescription(name, "none"),
            endpoint_error=1.0 + place,
            milliseconds=10.0**place,
        )
        for place, name in enumerate(names)
    ]
    return dataclasses.replace(record, models=tuple(models))


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize(("against", "drawn"), [("width", 3), ("runtime", 4)])
def test_records_are_drawn(tmp_path: Path, record: BenchmarkRecord, ending: str, against, drawn: int):
    records = [renamed(record, "flownet2-S@0.5", "flownet2-s"), renamed(record, "flownet2-S", "dis")]
    out = tmp_path / f"new/plot.{ending}"
    assert plot_records(records, out, against) == drawn
    picture = np.asarray(Image.open(out).convert("RGB"))
    assert picture.shape[1] > picture.shape[0] > 300
    assert picture.std() > 10


def test_what_does_not_compare_is_a_sentence(tmp_path: Path, record: BenchmarkRecord):
    out = tmp_path / "plot.png"
    other = renamed(dataclasses.replace(record, dataset="sintel", rendering="final"), "dis")
    elsewhere = renamed(dataclasses.replace(record, machine={"processor": "abacus", "gpu": None}), "dis")
    with pytest.raises(
        InputError, match=r"different pairs, middlebury train \(2 pairs\), sintel train final \(2 pairs\)"
    ):
        plot_records([record, other], out, "runtime")
    with pytest.raises(InputError, match=r"different machines, .*abacus"):
        plot_records([record, elsewhere], out, "runtime")
    with pytest.raises(InputError, match="zero is in several of the records; give each model once"):
        plot_records([record, record], out, "runtime")
    with pytest.raises(InputError, match=r"no network of the FlowNet 2\.0 family is in these records"):
        plot_records([record], out, "width")
    with pytest.raises(InputError, match="there is no record to draw"):
        plot_records([], out, "width")
    with pytest.raises(InputError, match=r"plot\.gif"):
        plot_records([record], tmp_path / "plot.gif", "runtime")
    assert not out.exists()
