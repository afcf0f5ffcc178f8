import json
import re
from pathlib import Path

import pytest
from fixture_datasets import kitti_tree, sintel_tree

from flowfeat.benchmarks import read_record
from flowfeat.cli import run


@pytest.fixture
def said(capsys):
    """Run the command and return (status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_table_with_published_rows_and_a_record(tmp_path: Path, said):
    root, out = sintel_tree(tmp_path / "sintel"), tmp_path / "record.json"
    status, text, progress = said(
        "benchmark", "sintel", "--root", root, "--model", "zero", "--device", "cpu", "--out", out
    )
    assert status == 0
    assert "sintel train clean, 3 pairs" in text
    assert re.search(r"^zero +20\.000 +100\.00 +0\.00 +- +5\.000 +- +50\.000", text, re.MULTILINE)
    assert re.search(r"^flownet2 +2\.02 .*Table 4$", text, re.MULTILINE)
    assert re.search(r"^flownet2-CS +2\.2 +51  .*Table 3 \*$", text, re.MULTILINE)
    assert "*: from memory of the paper" in text
    assert "published errors are of 1041 pairs, ours of 3: they do not compare" in text
    assert "3/3" in progress
    assert read_record(out).models[0].endpoint_error == pytest.approx(20)


def test_the_first_versions_errors_are_called_wrong(tmp_path: Path, said):
    root = sintel_tree(tmp_path / "sintel")
    _, text, _ = said("benchmark", "sintel", "--root", root, "--model", "zero", "--rendering", "final")
    (wrong,) = re.findall(r"^flownet2 +3\.14 .*$", text, re.MULTILINE)
    assert "first version, too low" in wrong


def test_json_has_the_keys_of_the_contract(tmp_path: Path, said):
    root = kitti_tree(tmp_path / "kitti", "image_2")
    status, text, _ = said("benchmark", "kitti2015", "--root", root, "--model", "zero", "--device", "cpu", "--json")
    facts = json.loads(text)
    assert status == 0
    assert facts["endpoint_error"] == pytest.approx(2.5)
    assert [(pair["name"], pair["endpoint_error"]) for pair in facts["pairs"]] == [("000000_10", 5), ("000001_10", 0)]
    assert facts["columns"]["Fl-all"] == pytest.approx(1 / 3)
    assert {row["model"] for row in facts["published"]} >= {"flownet2", "flownet2-CSS"}


def test_a_submission_is_written_in_place_of_a_measurement(tmp_path: Path, said):
    root, out = sintel_tree(tmp_path / "sintel"), tmp_path / "mine"
    command = ("benchmark", "sintel", "--root", root, "--model", "zero", "--device", "cpu", "--submission", out)
    status, text, _ = said(*command, "--json")
    assert status == 0
    facts = json.loads(text)
    assert facts["submission"] == {"folder": str(out), "files": 4, "model": "zero"}
    assert (facts["endpoint_error"], facts["pairs"]) == (None, [])
    assert len(list(out.rglob("*.flo"))) == 4
    status, _, fault = said(*command)
    assert status == 2
    assert "mine: it is there already" in fault


def test_robustness_is_a_block_for_each_model(tmp_path: Path, said):
    root = kitti_tree(tmp_path / "kitti", "image_2")
    _, text, _ = said("benchmark", "kitti2015", "--root", root, "--model", "zero", "--device", "cpu", "--robustness")
    assert re.search(r"^zero on frames +EPE +bare +textured$", text, re.MULTILINE)
    assert re.search(r"^H\.264, crf 35 +2\.500 +", text, re.MULTILINE)


def test_records_are_drawn(tmp_path: Path, said):
    pytest.importorskip("matplotlib")
    root = kitti_tree(tmp_path / "kitti", "image_2")
    record, picture = tmp_path / "zero.json", tmp_path / "plot.png"
    said("benchmark", "kitti2015", "--root", root, "--model", "zero", "--device", "cpu", "--out", record)
    status, text, _ = said("benchmark", "plot", record, "--against", "runtime", "--out", picture)
    assert (status, text) == (0, f"{picture}: 1 model drawn\n")
    assert picture.stat().st_size > 5000
    assert json.loads(said("benchmark", "plot", record, "--out", picture, "--json")[1])["drawn"] == 1
    status, _, fault = said("benchmark", "plot", tmp_path / "nowhere.json", "--out", picture)
    assert status == 2
    assert "nowhere.json" in fault


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sintl", "--model", "zero"], "there is no data set called 'sintl'; use one of sintel, kitti2012"),
        (["sintel", "--model", "zero"], "MPI-Sintel is neither here nor"),
        (["middlebury", "--model", "zero", "--rendering", "final"], "middlebury is not rendered in two ways"),
        (["sintel", "--model", "zoro"], "there is no model called 'zoro'"),
        (["sintel", "--model", "zero", "--beside", "zoro"], "there is no model called 'zoro'"),
        (["hd1k", "--model", "zero", "--submission", "x"], "hd1k takes no submissions"),
        (
            ["sintel", "--model", "zero", "--submission", "x", "--robustness"],
            "leave out --beside, --split, --rendering",
        ),
        (["sintel", "--model", "zero", "--out", "."], ".: it is a folder; name the file of the record"),
    ],
)
def test_bad_input_is_a_sentence(tmp_path: Path, said, arguments, sentence):
    status, out, fault = said("benchmark", *arguments, "--root", tmp_path)
    assert (status, out) == (2, "")
    assert sentence in fault
    assert "Traceback" not in fault
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("dataset", "folder", "pairs"), [("middlebury", "flow/middlebury", 4), ("flyingchairs", "flow", 1)]
)
def test_the_shared_pairs(data: Path, said, dataset: str, folder: str, pairs: int):
    pytest.importorskip("cv2")
    status, text, _ = said(
        "benchmark", dataset, "--root", data / folder, "--model", "dis", "--beside", "zero", "--json"
    )
    assert status == 0
    facts = json.loads(text)
    assert len(facts["pairs"]) == pairs
    mean = sum(pair["endpoint_error"] for pair in facts["pairs"]) / pairs
    assert facts["endpoint_error"] == pytest.approx(mean)
    assert facts["beside"][0]["model"]["model"] == "zero"
