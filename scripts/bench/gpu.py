"""Everything that wants a GPU, checked and measured in one go; `gpu.sh` beside this starts it.

    scripts/bench/gpu.sh [--out docs/records/gpu.json] [--device cuda] [--only checks networks]
    scripts/bench/gpu.sh --device cpu --quick

- ceilings: matrix products and copies at their best
- checks: kernels, networks and precisions against the CPU, the same bits twice, the tests marked gpu
- operators: correlation and warp beside the roofline, and the kernels of FlowNet2
- networks: pairs a second of all networks over batches, as graphs and not, beside the stock form
- extraction: videos to a verified store
- training: the renderer, training steps, tracker, dense masks
- wanted: the figures of the goal beside these

Every section has a process and a time limit of its own: what fails or takes too long costs its own rest alone, and the
record says so. It needs no network and no data. Modules that are missing can lie as wheels in ./wheels.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from gpu_setting import Parts, Setting
from gpu_wanted import wanted
from measure import measure_sections

ROOT = Path(__file__).parents[2]
LIMITS = {"ceilings": 40, "checks": 150, "operators": 60, "networks": 150, "extraction": 100, "training": 70}
"""The measured sections, and for how many seconds each may go on."""
ALL_SECONDS = 470
_QUICK_LIMIT = 900
"""Of each section, where nothing is timed: a machine may be slow."""


def section_of(name: str) -> Callable[[Setting], Parts]:
    """The function that measures a section: `measure_NAME` in `gpu_NAME.py`."""
    return getattr(import_module(f"gpu_{name}"), f"measure_{name}")


def measure_here(name: str, setting: Setting, target: Path) -> None:
    """Measure a section in this process, and write what was found so far after each of its parts."""
    found: dict[str, Any] = {}
    for part, value in section_of(name)(setting):
        found[part] = value
        target.write_text(json.dumps(found))


def measure_apart(name: str, arguments: argparse.Namespace, ends: float) -> dict[str, Any]:
    """Measure a section in a process of its own: what it found, with what went wrong as `failed`."""
    limit = _QUICK_LIMIT if arguments.quick else min(LIMITS[name], ends - time.monotonic())
    if limit <= 0:
        return {"failed": f"the {ALL_SECONDS} seconds for all sections were over"}
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "found.json"
        command = [sys.executable, __file__, "--device", arguments.device, "--out", str(arguments.out)]
        command += ["--section", name, "--to", str(target), *(["--quick"] if arguments.quick else [])]
        # Without a GPU kernels go through Triton's interpreter, which has to be chosen before Triton is imported.
        environment = {**os.environ, **({"TRITON_INTERPRET": "1"} if arguments.device == "cpu" else {})}
        failed = None
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit)
            if done.returncode != 0:
                failed = done.stderr.strip()[-2000:] or f"ended with status {done.returncode}"
        except subprocess.TimeoutExpired:
            failed = f"it was not done after {limit:.0f} seconds"
        found = json.loads(target.read_text()) if target.exists() else {}
    if failed:
        print(f"{name}: {failed}", file=sys.stderr)
    return {**found, **({"failed": failed} if failed else {})}


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; `argparse`, because a lent machine may have no tyro."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    out = Path(os.environ.get("OUT", ROOT / "docs/records")) / "gpu.json"
    parser.add_argument("--out", type=Path, default=out, help="the record, JSON")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the program itself")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, each once: figures that mean nothing")
    parser.add_argument("--only", nargs="+", choices=LIMITS, default=list(LIMITS), help="sections to measure")
    parser.add_argument("--section", choices=LIMITS, help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(words)


def main(arguments: argparse.Namespace) -> None:
    if arguments.section:
        setting = Setting(torch.device(arguments.device), arguments.quick, arguments.out)
        measure_here(arguments.section, setting, arguments.to)
        return
    ends, threads = time.monotonic() + ALL_SECONDS, os.cpu_count() or 1
    sections: dict[str, tuple[int, Callable[[], dict[str, Any]]]] = {
        name: (threads, partial(measure_apart, name, arguments, ends)) for name in LIMITS
    }
    sections["wanted"] = (threads, lambda: wanted(json.loads(arguments.out.read_text())))
    for name in [*arguments.only, "wanted"]:
        begun = time.monotonic()
        measure_sections("gpu", arguments.out, [name], sections)
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    record = json.loads(arguments.out.read_text())
    for each in record["wanted"]["figures"]:
        measured = "not measured" if each["measured"] is None else f"{each['measured']:.4g} {each['unit']}"
        print(f"{each['told']}: {measured} (wanted {each['wanted']:g}): {each['met']}")


if __name__ == "__main__":
    sys.exit(main(read_arguments()))
