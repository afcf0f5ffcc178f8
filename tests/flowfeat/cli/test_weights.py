"""`flowfeat weights`, `info` of a checkpoint, `models`, and `pair` with a network of the family."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_checkpoints import small_weights, write_caffemodel, write_pickle
from PIL import Image

from flowfeat.cli import run
from flowfeat.formats import read_flow
from flowfeat.weights.published import PUBLISHED


@pytest.fixture
def fused(data, tmp_path) -> Path:
    return write_pickle(tmp_path / "FlowNet2_checkpoint.pth.tar", small_weights(data, "nv_flownet2", 16))


@pytest.fixture
def pictures(tmp_path) -> list[str]:
    paths = []
    for number in range(2):
        pixels = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
        paths.append(str(tmp_path / f"frame{number}.png"))
        Image.fromarray(np.roll(pixels, number, axis=1)).save(paths[-1])
    return paths


def error_of(capsys, *arguments: object) -> str:
    """The sentence of a command that must fail with status 2."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err


def test_inspect_says_what_a_checkpoint_is(data, fused, capsys):
    assert run(["weights", "inspect", str(fused), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["model"] == "flownet2@0.0625"
    assert (facts["family"], facts["profile"], facts["tensors"]) == ("nvidia", "nvidia", 220)
    assert facts["parameters"] == sum(array.size for array in small_weights(data, "nv_flownet2", 16).values())
    assert facts["gflop_256x320"] > 0


def test_convert_gives_the_same_flow_under_another_roof(data, fused, pictures, tmp_path, capsys):
    ours = tmp_path / "ours/flownet2.safetensors"
    assert run(["weights", "convert", str(fused), "--out", str(ours)]) == 0
    assert "made from" in capsys.readouterr().out
    for weights, out in ((fused, "a.flo"), (ours, "b.flo")):
        assert run(["pair", *pictures, "--out", str(tmp_path / out), "--weights", str(weights)]) == 0
    assert np.array_equal(read_flow(tmp_path / "a.flo").flow, read_flow(tmp_path / "b.flo").flow)
    capsys.readouterr()
    assert run(["info", str(ours), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["provenance"]["source"] == "FlowNet2_checkpoint.pth.tar"
    assert facts["family"] == "flowfeat"


def test_networks_of_equal_tensors_are_called_what_the_user_calls_them(data, tmp_path, capsys):
    css = write_pickle(tmp_path / "css.pth.tar", small_weights(data, "nv_flownet2css", 16))
    named = ["--model", "flownet2-CSS-ft-sd@0.0625"]
    assert run(["weights", "convert", str(css), "--out", str(tmp_path / "a.safetensors"), *named, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "flownet2-CSS-ft-sd@0.0625"
    wrong = ["weights", "convert", css, "--out", tmp_path / "b.safetensors", "--model", "flownet2-CS"]
    said = error_of(capsys, *wrong)
    assert "these are weights of flownet2-CSS@0.0625 (in it flownet2-CS@0.0625, flownet2-C@0.0625), and not of" in said
    assert not (tmp_path / "b.safetensors").exists()


def test_a_network_within_a_file_can_be_written_alone(fused, pictures, tmp_path, capsys):
    alone, named = tmp_path / "sd.safetensors", ["--model", "flownet2-SD@0.0625"]
    assert run(["weights", "convert", str(fused), "--out", str(alone), *named]) == 0
    assert "flownet2-SD@0.0625" in capsys.readouterr().out
    for weights, out in ((fused, "a.flo"), (alone, "b.flo")):
        assert run(["pair", *pictures, "--out", str(tmp_path / out), "--weights", str(weights), *named]) == 0
    assert np.array_equal(read_flow(tmp_path / "a.flo").flow, read_flow(tmp_path / "b.flo").flow)
    assert "400 times too large" not in capsys.readouterr().err


def test_eight_bits_are_written_told_and_run(fused, pictures, tmp_path, capsys):
    small, floats = tmp_path / "small.safetensors", tmp_path / "floats.safetensors"
    assert run(["weights", "convert", str(fused), "--out", str(small), "--eight-bit", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["storage"], facts["bytes"]) == ("int8", small.stat().st_size)
    assert run(["weights", "inspect", str(small)]) == 0
    assert " MB in int8, sha256 " in capsys.readouterr().out
    assert run(["weights", "convert", str(small), "--out", str(floats)]) == 0
    for weights, out in ((small, "a.flo"), (floats, "b.flo")):
        assert run(["pair", *pictures, "--out", str(tmp_path / out), "--weights", str(weights)]) == 0
    assert np.array_equal(read_flow(tmp_path / "a.flo").flow, read_flow(tmp_path / "b.flo").flow)
    capsys.readouterr()
    assert run(["weights", "inspect", str(fused), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["storage"] is None, "in others' files nobody looks"


def test_stages_are_drawn_for_networks_of_the_family_alone(fused, pictures, tmp_path, capsys):
    out, stages = str(tmp_path / "a.flo"), tmp_path / "stages.png"
    assert run(["pair", *pictures, "--out", out, "--weights", str(fused), "--stages", str(stages)]) == 0
    with Image.open(stages) as sheet:
        # A row with the frames, and one for each of C, CS, CSS, SD and the fusion.
        assert sheet.height > 5 * sheet.width / 3 * (50 / 60) * 0.9
    stages.unlink()
    told = error_of(capsys, "pair", *pictures, "--out", out, "--model", "zero", "--stages", stages)
    assert "zero is no network of the FlowNet 2.0 family, so it has no stages" in told
    assert not stages.exists()


def test_assumptions_are_said_on_standard_error(data, pictures, tmp_path, capsys):
    weights = small_weights(data, "lmb_FlowNet2-S", 16)
    bare = {name: array for name, array in weights.items() if "_aug" not in name}
    path = write_caffemodel(tmp_path / "bare.caffemodel", bare)
    with pytest.MonkeyPatch.context() as patched:
        # As a user has it: pytest turns warnings of the package into errors.
        patched.setattr("warnings.filters", [])
        assert run(["pair", *pictures, "--out", str(tmp_path / "a.flo"), "--weights", str(path), "--json"]) == 0
    said = capsys.readouterr()
    assert f"flowfeat pair: {path}: the file holds no mean colours" in said.err
    assert json.loads(said.out)["model"]["parameters"] == {"profile": "lmb", "precision": "float32"}


def test_bad_weights_are_one_sentence_and_write_nothing(data, fused, pictures, tmp_path, capsys):
    out = tmp_path / "a.flo"

    def told(weights: Path, *more: str) -> str:
        sentence = error_of(capsys, "pair", *pictures, "--out", out, "--weights", weights, *more)
        assert not out.exists()
        return sentence

    assert "these are weights of flownet2@0.0625 (in it " in told(fused, "--model", "flownet2-C")
    (tmp_path / "cut.pth.tar").write_bytes(fused.read_bytes()[: fused.stat().st_size // 2])
    assert "damaged or cut short" in told(tmp_path / "cut.pth.tar")
    weights = small_weights(data, "nv_flownet2", 16)
    fewer = {name: array for name, array in weights.items() if name != "flownets_d.conv4.0.weight"}
    assert "small_displacement.conv4.weight is missing" in told(write_pickle(tmp_path / "fewer.pth.tar", fewer))
    more = write_pickle(tmp_path / "more.pth.tar", {**weights, "flownets_3.conv1.0.bias": np.zeros(2, np.float32)})
    assert "flownets_3.conv1.bias belongs to no layer" in told(more)
    torch.save({"state_dict": {}, "epoch": print}, tmp_path / "code.pth.tar")
    assert "print to be run when it is read, and flowfeat runs nothing" in told(tmp_path / "code.pth.tar")
    (tmp_path / "text.pth").write_text("weights, they said\n")
    assert "this is no checkpoint" in told(tmp_path / "text.pth")
    assert "there is no such file" in told(tmp_path / "absent.pth")
    Image.new("RGB", (60, 51)).save(pictures[1])
    assert "the picture is 60x51 and" in told(fused)


def test_extraction_refuses_bad_weights_before_it_makes_a_store(fused, tmp_path, capsys):
    from fixture_clips import write_clip

    write_clip(tmp_path / "clips/a.avi", frames=3)
    (tmp_path / "text.pth").write_text("weights, they said\n")
    extract = ["extract", tmp_path / "clips", "--out", tmp_path / "flow", "--weights"]
    assert "this is no checkpoint" in error_of(capsys, *extract, tmp_path / "text.pth")
    assert "there is no profile called 'x'" in error_of(capsys, *extract, fused, "--profile", "x")
    assert not (tmp_path / "flow").exists()


def test_the_table_of_models_has_parameters_and_arithmetic(capsys):
    assert run(["models", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert models["flownet2"]["parameters"] == 162_518_834
    assert models["flownet2"]["gflop_256x320"] == pytest.approx(82.89, abs=0.01)
    assert models["dis"]["parameters"] is None
    assert run(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["flownet2-css-ft-sd", "16,708,202", "8.22"] for line in lines)


def test_what_can_be_fetched_is_listed(tmp_path, capsys):
    assert run(["weights", "download", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == PUBLISHED.keys()
    told = error_of(capsys, "weights", "download", "flownet9", "--folder", tmp_path)
    assert "no checkpoint called 'flownet9' can be fetched" in told


def test_commands_of_two_words_have_help(capsys):
    assert run(["weights"]) == 2
    assert "weights convert" in capsys.readouterr().out
    assert run(["weights", "--help"]) == 0
    assert "  extract " not in capsys.readouterr().out.replace("flowfeat extract", "")
    assert "there is no command 'weights explode'" in error_of(capsys, "weights", "explode")


def test_nothing_is_computed_or_written_where_an_ending_is_wrong(fused, pictures, tmp_path, capsys):
    pair = ["pair", *pictures, "--weights", tmp_path / "not_even_there", "--out"]
    assert "no flow format has the ending '.xyz'" in error_of(capsys, *pair, tmp_path / "a.xyz")
    for option in ("--show", "--stages"):
        told = error_of(capsys, *pair, tmp_path / "a.flo", option, tmp_path / "a.gif")
        assert "a picture's name must end in" in told
    assert not (tmp_path / "a.flo").exists()


def test_a_store_made_in_another_profile_is_repaired_in_it(data, tmp_path, capsys):
    from fixture_clips import write_clip

    write_clip(tmp_path / "clips/a.avi", frames=3)
    weights = write_caffemodel(tmp_path / "s.caffemodel", small_weights(data, "lmb_FlowNet2-S", 16))
    made = ["--weights", str(weights)]
    store, clips = str(tmp_path / "flow"), str(tmp_path / "clips")
    assert run(["extract", clips, "--out", store, *made, "--profile", "nvidia"]) == 0
    whole = (tmp_path / "flow/a.safetensors").read_bytes()
    (tmp_path / "flow/a.safetensors").unlink()
    assert run(["repair", store, clips, *made]) == 0
    assert (tmp_path / "flow/a.safetensors").read_bytes() == whole
    assert run(["show", clips + "/a.avi", "--out", str(tmp_path / "a.png"), *made, "--profile", "nvidia"]) == 0
