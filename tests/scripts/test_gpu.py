"""`scripts/bench/gpu.sh`: it runs to its end without a GPU too, keeps what it found, and its record becomes a page."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import gpu
import gpu_page
import gpu_setting
import pytest
import torch
from gpu_wanted import WANTED, wanted

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> dict:
    """The record of the whole program on a CPU, as quick as it can be."""
    folder = tmp_path_factory.mktemp("gpu")
    done = subprocess.run(
        [str(ROOT / "scripts/bench/gpu.sh"), "--device", "cpu", "--quick"],
        env={**os.environ, "PYTHON": sys.executable, "OUT": str(folder)},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "gpu.json").read_text())


def test_every_section_gives_a_record_without_a_gpu(quick):
    assert quick["bench"] == "gpu"
    for name in gpu.LIMITS:
        assert "failed" not in quick[name], quick[name]["failed"]
    checks = quick["checks"]
    assert all(found["right"] for found in checks.values() if isinstance(found, dict))
    assert "agree with their twins on cpu" in checks["kernels"]["told"]
    assert checks["precisions"] == checks["tests"] == quick["operators"]["kernels"] == gpu_setting.GPU_ALONE
    assert quick["networks"]["flownet2-thin over stock"] > 0
    for name in ("warp", "stage link", "cost volume into its place", "evidence of the fusion"):
        assert 0 < quick["operators"][f"{name} float32"]["share_of_roofline"] < 1
    for model in ("flownet2-s", "flownet2-thin"):
        assert quick["extraction"][model]["clean"] == [True]
    assert quick["training"]["tracker"]["right"]
    assert {each["met"] for each in quick["wanted"]["figures"]} == {None}, "nothing here is a figure of a GPU"


def test_what_a_section_found_before_it_failed_is_kept(tmp_path, monkeypatch, capfd):
    arguments = gpu.read_arguments(["--device", "cpu", "--quick", "--out", str(tmp_path / "gpu.json")])
    arguments.device = "cpu:none"
    found = gpu.measure_apart("ceilings", arguments, time.monotonic() + 60)
    assert "cpu:none" in found["failed"]
    target = tmp_path / "found.json"

    def parts(setting):
        yield "first", 1
        raise RuntimeError("the second")

    monkeypatch.setattr(gpu, "section_of", lambda name: parts)
    with pytest.raises(RuntimeError, match="the second"):
        gpu.measure_here("any", gpu_setting.Setting(torch.device("cpu"), True, tmp_path / "none"), target)
    assert json.loads(target.read_text()) == {"first": 1}


def test_sections_share_the_time(tmp_path):
    arguments = argparse.Namespace(quick=False, device="cpu", out=tmp_path / "gpu.json")
    assert "were over" in gpu.measure_apart("networks", arguments, time.monotonic() - 1)["failed"]
    assert sum(gpu.LIMITS.values()) > gpu.ALL_SECONDS, "a section that is done early leaves its time to the next"
    assert gpu.ALL_SECONDS < 480


def _row(rate: float, batch: int = 64) -> dict:
    return {"batch": batch, "pairs_per_second": rate, "peak_bytes": 9 << 30, "share_of_rate": 0.31}


def _made_up() -> dict:
    """A record as a GPU would leave it, with one section that failed and one figure that is missed."""
    record = {
        "bench": "gpu",
        "date": "2026-11-30",
        "inputs": {},
        "machine": {
            "processor": "a",
            "cores": 16,
            "gpu": "NVIDIA H200",
            "system": "Linux",
            "load_before": [0.5, 0.4, 0.3],
        },
        "ceilings": {
            "device": {"name": "NVIDIA H200"},
            "matrix_side": 8192,
            "flop_per_second": {"bfloat16": 7.8e14, "float16": 7.7e14, "float32": 5.1e13},
            "bytes_per_second": 4.3e12,
        },
        "checks": {
            "kernels": {"right": True, "told": "agree"},
            "network flownet2": {"right": False, "max": 2e-3, "mean": 1e-5, "flow": 3.2, "limits": {}},
            "precisions": {"small": {"float16": {"off_float32": 0.011, "off_truth": 0.4}}},
        },
        "operators": {
            "warp float16": {
                "seconds": 1e-4,
                "operations": 1e9,
                "bytes": 3e8,
                "share_of_roofline": 0.7,
                "pairs": 64,
            },
            "kernels of flownet2": {
                "pairs": 64,
                "seconds": 0.02,
                "launches": 300,
                "kernels": [{"name": "sm90_xmma", "launches": 40, "seconds": 0.01}],
            },
        },
        "networks": {
            "size": [256, 320],
            "flownet2 float16": [_row(2000, 32), _row(2600)],
            "flownet2 stock": [_row(400)],
            "flownet2 over stock": 6.5,
            "flownet2-thin float16": [_row(7000)],
        },
        "extraction": {
            "input": {"clips": 48, "pairs": 9600, "height": 240, "width": 320},
            "threads": 16,
            "flownet2": {
                "pairs_per_second": [2100.0, 2300.0],
                "share_of_time_computing": [0.8, 0.9],
                "clean": [True, True],
                "hours_of_ucf101": 0.3,
            },
            "decoding": {"pairs_per_second": 6000.0},
        },
        "training": {"failed": "Traceback\n  somewhere\nRuntimeError: no more memory", "renderer medium": _row(900)},
    }
    record["wanted"] = wanted(record)
    return record


def test_wanted_figures_are_met_missed_or_not_measured():
    met = {(each["told"], each["wanted"]): each["met"] for each in _made_up()["wanted"]["figures"]}
    told = [each.told for each in WANTED]
    assert [met[each.told, each.figure] for each in WANTED] == [True, False, True, False, True, True], told
    assert {each["met"] for each in wanted({})["figures"]} == {None}
    without = {"checks": {"precisions": gpu_setting.GPU_ALONE}}
    assert wanted(without)["figures"][-1]["measured"] is None


def test_a_record_of_a_gpu_is_on_the_page():
    text = "\n".join(gpu_page.gpu(_made_up()))
    for told in (
        "- **training** did not come to its end: RuntimeError: no more memory",
        "| flownet2-thin at 256x320, float16 | 8,000 pairs a second | 7,000 pairs a second | **no** |",
        "this NVIDIA H200 does 780 TFLOP/s in bfloat16",
        "1 of 2 checks hold; these do not: network flownet2.",
        "| flownet2 | 2.0e-03 | 1.0e-05 | 3.20 |",
        "| `flownet2 float16` | 2,600 | 64 | 31% | 9.0 | 32: 2,000, 64: 2,600 |",
        "flownet2 is 6.5 times as fast as its stock form.",
        "| warp float16 | 0.1 ms | 1 | 0.3 | 70% |",
        "| `sm90_xmma` | 40 | 50.0% |",
        "| `flownet2` | 2,100 2,300 | 80% 90% | 0.30 | yes |",
        "| renderer medium | 900 pairs a second |",
    ):
        assert told in text
    assert all(line.endswith(" |") for line in text.split("\n") if line.startswith("|"))


def test_what_never_ran_is_told_until_it_has_run():
    before, after = gpu_page.never_run(None), gpu_page.never_run(_made_up())
    assert {f"- {line}" for line in (*gpu_page.NEVER_ON_A_GPU, *gpu_page.BESIDES)} <= set(before)
    assert {f"- {line}" for line in gpu_page.BESIDES} == {line for line in after if line.startswith("- ")}


def test_the_page_of_the_quick_record_can_be_made(quick):
    assert "## On a GPU" in gpu_page.gpu(quick)


def test_sections_are_there_without_what_a_lent_machine_lacks():
    """Decoders, JPEGs, command lines, HDF5 and the multicut solver: none is needed before a section asks for it."""
    program = (
        "import sys\n"
        "for name in ('av', 'decord', 'simplejpeg', 'tyro', 'h5py', 'bioimage_cpp', 'beartype', 'cv2'):\n"
        "    sys.modules[name] = None\n"
        "import json, pathlib, torch, gpu, gpu_setting\n"
        "for name in gpu.LIMITS:\n"
        "    gpu.section_of(name)\n"
        "setting = gpu_setting.Setting(torch.device('cpu'), True, pathlib.Path('none'))\n"
        "print(json.dumps([*gpu.section_of('extraction')(setting)] + [*gpu.section_of('training')(setting)][-2:]))\n"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "scripts/bench")])
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == [
        ["left_out", "not measured: av is not installed here"],
        ["tracker", "not measured: simplejpeg is not installed here"],
        ["dense", "not measured: simplejpeg is not installed here"],
    ]
