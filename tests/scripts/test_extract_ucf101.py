"""The script as people run it, on a few real clips against the whole official lists."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flowfeat.extraction.plan import shard_of

SCRIPT = Path(__file__).parents[2] / "scripts/extract_ucf101.py"
CLIPS = {
    "Punch/v_Punch_g01_c03": 48,
    "PushUps/v_PushUps_g13_c03": 51,
    "PushUps/v_PushUps_g16_c04": 29,
}
"""The shortest clips of two classes, and how many frames each has."""


@pytest.fixture
def lists(data: Path) -> Path:
    return data / "ucf101/ucfTrainTestlist"


@pytest.fixture
def clips(data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "UCF-101"
    for key in CLIPS:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{key}.avi").symlink_to(data / f"ucf101/UCF-101/{key}.avi")
    return folder


@pytest.fixture
def run(clips: Path, lists: Path, tmp_path: Path):
    def run(*arguments: str, annotations: Path = lists) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPT), str(clips), "--annotations", str(annotations), "--out", "flow"]
        return subprocess.run(
            [*command, "--model", "zero", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )

    return run


def test_a_part_of_the_dataset_is_extracted_verified_and_counted(run, clips: Path, tmp_path: Path):
    shutil.copy(clips / "Punch/v_Punch_g01_c03.avi", clips / "holiday.avi")
    done = run("--allow-missing", "--json")
    assert done.returncode == 1, "clips of the lists are missing" + done.stderr
    summary = json.loads(done.stdout)
    counts = {name: summary[name] for name in ("listed", "clips", "missing", "failed", "pairs", "complete")}
    assert counts == {
        "listed": 13320,
        "clips": 3,
        "missing": 13317,
        "failed": 0,
        "pairs": sum(frames - 1 for frames in CLIPS.values()),
        "complete": False,
    }
    assert summary["bytes"] == sum(path.stat().st_size for path in (tmp_path / "flow").rglob("*.safetensors"))
    assert len(summary["missing_clips"]) == 13317
    assert not CLIPS.keys() & set(summary["missing_clips"])
    assert summary["left_out_clips"] == ["holiday"]
    assert not (tmp_path / "flow/holiday.safetensors").exists()
    assert summary["verification"]["faults"] == {}
    assert "1 file not in the lists and left out: holiday" in done.stderr
    assert "125 pairs will take about" in done.stderr

    again = run("--allow-missing")
    assert again.returncode == 1, again.stderr
    assert "0 clips extracted, 3 were done before" in again.stdout
    assert "UCF101: 13320 clips listed, 13317 missing, 0 failed; 3 stored, 125 pairs" in again.stdout


def test_missing_clips_are_an_error_before_anything_is_written(run, tmp_path: Path):
    refused = run()
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert (
        "13317 of the 13320 clips of the lists are missing: ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01, " in refused.stderr
    )
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "flow").exists()


def test_a_folder_without_any_listed_clip_is_refused_even_so(run, clips: Path):
    clips.rename(clips.with_name("UCF"))
    clips.mkdir()
    shutil.move(clips.with_name("UCF"), clips / "UCF-101")
    refused = run("--allow-missing")
    assert refused.returncode == 2
    assert "13320 of the 13320 clips" in refused.stderr


def test_a_clip_that_is_cut_off_fails_and_the_others_are_stored(run, clips: Path, tmp_path: Path):
    key = "PushUps/v_PushUps_g16_c04"
    path = clips / f"{key}.avi"
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[: len(whole) // 2])
    done = run("--allow-missing", "--json")
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["clips"], summary["failed"], summary["complete"]) == (2, 1, False)
    assert list(summary["extraction"]["failed"]) == list(summary["verification"]["missing"]) == [key]

    path.write_bytes(whole)
    again = json.loads(run("--allow-missing", "--json").stdout)
    assert (again["clips"], again["failed"], again["verification"]["missing"]) == (3, 0, {})


def test_a_dry_run_finds_handstand_pushups_in_either_spelling_and_writes_nothing(run, clips: Path, tmp_path: Path):
    folder = clips / "HandstandPushups"
    folder.mkdir()
    punch = clips / "Punch/v_Punch_g01_c03.avi"
    shutil.copy(punch, folder / "v_HandStandPushups_g01_c01.avi")
    shutil.copy(punch, folder / "v_HandstandPushups_g01_c02.avi")
    shutil.copy(punch, folder / "v_HandstandPushups_g01_c01.avi")
    done = run("--allow-missing", "--dry-run", "--json")
    assert done.returncode == 1, done.stderr
    assert "13315 of the 13320 clips of the lists are missing" in done.stderr
    assert "left out: HandstandPushups/v_HandstandPushups_g01_c01\n" in done.stderr
    assert json.loads(done.stdout)["todo"] == 5
    assert not (tmp_path / "flow").exists()


def write_lists(folder: Path, *keys: str) -> Path:
    """Official lists that were cut down to these clips."""
    folder.mkdir()
    (folder / "classInd.txt").write_text("1 Punch\n2 PushUps\n")
    lines = "".join(f"{key}.avi {1 if key.startswith('Punch') else 2}\n" for key in keys)
    for number in (1, 2, 3):
        (folder / f"trainlist0{number}.txt").write_text(lines)
        (folder / f"testlist0{number}.txt").write_text("Punch/v_Punch_g01_c03.avi\n")
    return folder


def test_shards_answer_for_their_own_clips_alone(run, tmp_path: Path):
    present, missing = [key for key in CLIPS if "g01_c03" not in key], "Punch/v_Punch_g09_c01"
    whole = write_lists(tmp_path / "whole", *present)
    statuses = [run("--shard", f"{part}/2", "--json", annotations=whole) for part in (1, 2)]
    assert [done.returncode for done in statuses] == [0, 0], [done.stderr for done in statuses]
    assert sum(json.loads(done.stdout)["extraction"]["clips"] for done in statuses) == 3
    summary = json.loads(statuses[1].stdout)
    assert (summary["clips"], summary["complete"]) == (3, True)

    lists = write_lists(tmp_path / "lists", *present, missing)
    for part in (1, 2):
        done = run("--allow-missing", "--shard", f"{part}/2", "--json", annotations=lists)
        assert done.returncode == (shard_of(missing, 2) == part), done.stderr
        assert json.loads(done.stdout)["missing_clips"] == [missing]


@pytest.mark.parametrize("wrong", [("--bound", "0"), ("--clips", "list.txt")])
def test_unusable_options_are_one_sentence(run, wrong: tuple[str, str]):
    refused = run("--allow-missing", *wrong)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_a_disk_that_is_too_small_is_an_error_before_starting(clips: Path, lists: Path, tmp_path: Path):
    starved = (
        "import runpy, shutil, sys; usage = shutil.disk_usage(sys.argv[1]);"
        "shutil.disk_usage = lambda path: usage._replace(free=1000);"
        "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    command = [sys.executable, "-c", starved, str(SCRIPT), str(clips), "--annotations", str(lists)]
    options = ["--out", "flow", "--model", "zero", "--allow-missing"]
    refused = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 2, refused.stderr
    assert "flow: 1.0 kB of disk are free and the flow will take about " in refused.stderr
    assert not (tmp_path / "flow").exists()
