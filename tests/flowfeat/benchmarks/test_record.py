import json
from pathlib import Path

import pytest
from fixture_datasets import middlebury_tree

from flowfeat import benchmarks
from flowfeat.benchmarks import BenchmarkRecord, benchmark, measured_errors, read_record, write_record
from flowfeat.errors import FormatError
from flowfeat.estimators import load_estimator, model_entries


@pytest.fixture
def record(tmp_path: Path) -> BenchmarkRecord:
    root = middlebury_tree(tmp_path / "middlebury")
    return benchmark("middlebury", root, [load_estimator("zero", device="cpu")], robustness=True)


def test_a_record_is_read_as_it_was_written(tmp_path: Path, record: BenchmarkRecord):
    path = tmp_path / "new/record.json"
    write_record(path, record)
    again = read_record(path)
    assert json.dumps(again.as_json()) == json.dumps(record.as_json())
    assert again.models == record.models
    assert again.robustness == record.robustness


def test_a_record_has_the_keys_that_pipelines_lean_on(tmp_path: Path, record: BenchmarkRecord):
    write_record(tmp_path / "record.json", record)
    facts = json.loads((tmp_path / "record.json").read_text())
    assert facts["endpoint_error"] == pytest.approx(3.0)
    assert [pair["name"] for pair in facts["pairs"]] == ["Grove2", "Venus"]
    assert [pair["endpoint_error"] for pair in facts["pairs"]] == pytest.approx([5, 1])
    assert facts["model"]["model"] == "zero"
    assert facts["beside"] == []
    assert {"processor", "cores", "gpu", "system"} <= facts["machine"].keys()
    assert {"flowfeat", "torch", "numpy"} <= facts["versions"].keys()
    assert set(facts["files"]) == {"Grove2", "Venus"}


def test_other_files_changed_show_in_the_record(tmp_path: Path, record: BenchmarkRecord):
    frame = tmp_path / "middlebury/other-data/Venus/frame11.png"
    frame.write_bytes((tmp_path / "middlebury/other-data/Grove2/frame10.png").read_bytes())
    again = benchmark("middlebury", tmp_path / "middlebury", [load_estimator("zero", device="cpu")])
    assert again.files["Grove2"] == record.files["Grove2"]
    assert again.files["Venus"] != record.files["Venus"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": 1}', "\0", '{"schema": 1, "beside": 3, "robustness": []}']
)
def test_what_is_no_record_is_a_sentence(tmp_path: Path, text: str):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FormatError, match=r"x\.json: not a record of flowfeat benchmark; give what its --out wrote"):
        read_record(tmp_path / "x.json")


def test_a_record_of_the_future_is_a_sentence(tmp_path: Path):
    (tmp_path / "x.json").write_text('{"schema": 2}')
    with pytest.raises(FormatError, match=r"a record of schema 2; this version reads 1"):
        read_record(tmp_path / "x.json")


def test_the_committed_errors_are_of_models_that_there_are():
    errors = measured_errors()
    assert {name.removesuffix("+v") for name in errors} <= set(model_entries())
    assert errors["zero"] == pytest.approx(4.13, abs=0.01)
    assert errors["dis"] == pytest.approx(0.395, abs=0.01)


def test_the_table_of_the_documentation_is_the_committed_record():
    page = (Path(__file__).parents[3] / "docs/benchmarks.md").read_text(encoding="utf-8")
    record = read_record(Path(benchmarks.__file__).parent / "records/middlebury.json")
    for each in record.models:
        columns = each.columns
        cells = [f"{columns[name]:.3f}" for name in ("edges", "bare", "textured")]
        shares = [f"{columns[name]:.2%}" for name in ("Fl-all", "<1px")]
        row = [f"`{each.model.model}`", f"{each.endpoint_error:.3f}", f"{columns['AAE']:.2f}°", *shares, *cells]
        assert f"| {' | '.join(row)} |" in page, "run the command of the page again"
