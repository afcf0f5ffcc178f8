"""A folder of rendered pairs: FlyingChairs' layout, resumed where a run was cut, refused where it is another's."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import flowfeat.rendering.folder as folder
from flowfeat.cli import run
from flowfeat.datasets import open_dataset
from flowfeat.errors import InputError
from flowfeat.rendering import PairSettings, Renderer, render_folder
from flowfeat.rendering.displacements import bin_names, displacement_counts, shares
from flowfeat.rendering.settings import SMALL

SETTINGS = PairSettings("small", 32, 48, seed=5, textures=4)


FEW = replace(SMALL, objects=(1, 2))


@pytest.fixture(autouse=True)
def _little_to_render(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "Renderer", lambda *given: Renderer(*given, texture_size=16))
    monkeypatch.setattr(folder, "SETTINGS", {"small": FEW, "medium": FEW, "large": FEW})


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "data").iterdir()}


def test_pairs_are_read_as_flying_chairs_and_are_those_of_the_renderer(tmp_path: Path):
    calls = []
    done = render_folder(tmp_path / "pairs", SETTINGS, 10, progress=lambda *state: calls.append(state))
    assert (done.pairs, done.written, done.validation) == (10, 10, 1)
    assert calls[-1] == (10, 10)
    training = open_dataset("flyingchairs", tmp_path / "pairs", "train")
    held_out = open_dataset("flyingchairs", tmp_path / "pairs", "validation")
    assert (len(training), held_out.names) == (9, ("00008",))
    rendered = Renderer(FEW, 32, 48, seed=5, textures=4, texture_size=16).batch(1, 8)
    sample = training[8]  # the tenth pair, number 9 of the renderer
    assert np.array_equal(sample.flow, rendered.flow[1].numpy())
    assert np.array_equal(sample.frames, (rendered.frames[1] * 255).round().byte().permute(0, 2, 3, 1).numpy())
    assert sum(done.displacements) == pytest.approx(1)
    assert (tmp_path / "pairs/contact_sheet.png").is_file()
    record = json.loads((tmp_path / "pairs/render.json").read_text())
    assert record["settings"]["scenes"]["objects"] == [1, 2]
    assert record["result"]["displacements"] == done.displacements


def test_a_run_that_was_cut_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    render_folder(whole, SETTINGS, 10)

    def killed(*state: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_folder(cut, SETTINGS, 10, progress=killed)
    assert not (cut / "FlyingChairs_train_val.txt").exists()
    (cut / "data").mkdir(exist_ok=True)
    (cut / "data/00009_flow.flo.0123.partial").write_bytes(b"PIEH")
    (cut / "data/00003_flow.flo").unlink(missing_ok=True)
    present = len(list((cut / "data").glob("*_flow.flo")))
    assert render_folder(cut, SETTINGS, 10).written == 10 - present
    assert files(cut) == files(whole)
    more = render_folder(cut, SETTINGS, 11)
    assert (more.pairs, more.written) == (11, 1)
    monkeypatch.setattr(folder, "Renderer", None)  # nothing is left to render
    assert render_folder(cut, SETTINGS, 11).written == 0


def test_a_folder_of_other_pairs_is_refused(tmp_path: Path):
    render_folder(tmp_path / "pairs", SETTINGS, 2)
    before = files(tmp_path / "pairs")
    for other, told in (
        (PairSettings("small", 32, 48, seed=6, textures=4), "seed 5 there, 6 now"),
        (PairSettings("large", 32, 48, seed=5, textures=4), "setting 'small' there, 'large' now"),
        (PairSettings("small", 48, 48, seed=5, textures=4), "height 32 there, 48 now"),
    ):
        with pytest.raises(InputError, match=told):
            render_folder(tmp_path / "pairs", other, 2)
    with pytest.raises(InputError, match="--pairs 2 or more"):
        render_folder(tmp_path / "pairs", SETTINGS, 1)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday/beach.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="something else"):
        render_folder(tmp_path / "holiday", SETTINGS, 2)
    (tmp_path / "pairs/render.json").write_text("[]")
    with pytest.raises(InputError, match="not the record"):
        render_folder(tmp_path / "pairs", SETTINGS, 2)
    assert files(tmp_path / "pairs") == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--size", "384"], "'384' is not HEIGHTxWIDTH"),
        (["--size", "8x512"], "8x512 are too small"),
        (["--pairs", "0"], "--pairs 0"),
        (["--seed", "-1"], "from 0, not -1"),
        (["--device", "tpu"], "no device called 'tpu'"),
    ],
)
def test_what_cannot_be_rendered_is_told_in_a_sentence(tmp_path: Path, capsys, arguments: list[str], told: str):
    assert run(["render", "--out", str(tmp_path / "out"), *arguments]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_made(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "Renderer", lambda *given: Renderer(*given[:-1], textures=4, texture_size=16))
    arguments = ["render", "--out", str(tmp_path / "out"), "--setting", "medium", "--size", "32x48", "--pairs", "3"]
    assert run([*arguments, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["pairs"], summary["setting"], summary["height"], summary["width"]) == (3, "medium", 32, 48)
    assert run(arguments) == 0
    assert "3 pairs of 32x48, 0 written now" in capsys.readouterr().out


def test_displacements_are_counted_by_their_length():
    flow = np.array([[[0.0, 0.06, 3.0, 30.0]], [[0.0, 0.09, 4.0, 40.0]]])
    counted = dict(zip(bin_names(), shares(displacement_counts(flow)), strict=True))
    told = ("0 to 0.1 px", "0.1 to 0.2 px", "5 to 10 px", "50 px and more")
    assert {name: share for name, share in counted.items() if share} == dict.fromkeys(told, 0.25)
