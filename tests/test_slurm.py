"""The Slurm recipe of docs/many-machines.md, run as Slurm runs it: the script once for each task of the array."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fixture_clips import write_clip
from fixture_documentation import blocks_of

from flowfeat.store import FlowStore
from flowfeat.store.verify import verify


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A folder with the script, its clips, and an `srun` that starts what it is given once, as of one task it does."""
    (script,) = (block.text for block in blocks_of("docs/many-machines.md") if "srun flowfeat extract" in block.text)
    (tmp_path / "extract.sbatch").write_text(script)
    for number in range(6):
        write_clip(tmp_path / f"UCF-101/class{number % 2}/v_{number}.avi", frames=4, seed=number)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/srun").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "bin/flowfeat").write_text(f'#!/bin/sh\nexec {sys.executable} -m flowfeat "$@"\n')
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    return tmp_path


def run_task(job: Path, number: int, count: int) -> None:
    array = {"SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_TASK_COUNT": str(count)}
    environment = {**os.environ, **array, "PATH": f"{job / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "extract.sbatch"], cwd=job, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_tasks_of_an_array_make_one_store(job):
    """The second task with another number of parts, as after a first array that was cut by its time limit."""
    run_task(job, 1, 2)
    keys = {f"class{number % 2}/v_{number}" for number in range(6)}
    first = set(FlowStore(job / "ucf101-flow"))
    assert first < keys
    for number in (1, 2, 3):
        run_task(job, number, 3)
    assert set(FlowStore(job / "ucf101-flow")) == keys
    assert verify(job / "ucf101-flow").clean
