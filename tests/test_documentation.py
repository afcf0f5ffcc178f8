"""What the documentation says can be done: every command and every piece of Python of it, in the order of the page.

They run on the real data cut short (`fixture_stand_ins`), in this process. What cannot run here is read by the
command line that it is for; what would take long is made shorter. Both are in the tables below, with the reason.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from fixture_documentation import (
    ENVIRONMENT,
    PAGES,
    ROOT,
    Block,
    all_commands,
    blocks_of,
    commands_of,
    run,
    sentences_of_the_code,
    understand,
)
from fixture_stand_ins import write_stand_ins
from torch import nn

from flowfeat.cli import DONE

_INSTALLS = "it would install this package once more"
_LONG = "weeks of training"
_PROCESSES = "it starts a process for each GPU"

NOT_RUN: dict[str, str] = {
    "python scripts/application_table.py": "hours: flow, segments and training for each method",
    "python3 -m venv": _INSTALLS,
    ".": _INSTALLS,
    "pip install": _INSTALLS,
    "sbatch": "there is no Slurm",
    "ray": "it would start a cluster that outlives the test",
    "flowfeat extract /shared/UCF-101": "a cluster of one test has it: tests/flowfeat/extraction/test_on_ray.py",
    "pytest": "this test is a part of it",
    "tensorboard": "it serves pages until it is ended",
    "torchrun": _PROCESSES,
    "srun torchrun": _PROCESSES,
    "flowfeat extract UCF-101 --out ucf101-flow --weights FlowNet2_checkpoint.pth.tar --devices": "there are no GPUs",
    "flowfeat extract clips --out clips-raft": "the weights of RAFT are not here",
    "flowfeat weights download flownet2_8x1_sfine_flyingthings3d_subset_384x768": "it fetches 650 MB",
    "flowfeat train flownet2-C-chairs-long": _LONG,
    "flowfeat train flownet2-CS-chairs-long": _LONG,
}
"""Commands that begin so are only read, and why."""

_SOON = "two steps in place of thousands, without the weights of ImageNet, which are not here"

INSTEAD: tuple[tuple[str, str, str, str], ...] = (
    (
        "README.md",
        "UCF-101/ --out ucf101-flow",
        "UCF-101/ --out ucf101-flow --resize 48x64",
        "small frames for the network",
    ),
    ("README.md", "UCF-101/ --out flownet2-flow", "UCF-101/Punch/ --out flownet2-flow", "three clips in place of all"),
    ("README.md", "--preset tsn", "--preset quick --steps 2 --folds 0 --splits 1", _SOON),
    ("docs/flownet2.md", "extract UCF-101/", "extract UCF-101/Punch/", "three clips in place of all"),
    (
        "docs/flownet2.md",
        'load_estimator("flownet2", ',
        "load_estimator(",
        "the checkpoint here is of a narrow FlowNet2",
    ),
    (
        "docs/many-machines.md",
        "--preset tsn --workers 8 --out runs/flow-",
        "--preset quick --steps 2 --out runs/flow-",
        _SOON,
    ),
    ("docs/moving.md", "UCF-101 --out ucf101-tvl1", "UCF-101/Punch --out ucf101-tvl1", "three clips in place of all"),
    ("docs/moving.md", "--preset tsn-bn-inception", "--preset quick --steps 2", _SOON),
    ("docs/numbers.md", "--preset quick", "--preset quick --steps 2", "two steps in place of thousands"),
    ("docs/published-weights.md", "extract UCF-101 ", "extract UCF-101/Punch ", "three clips in place of all"),
    (
        "docs/recognition.md",
        "--preset tsn --out two-stream",
        "--preset quick --steps 2 --folds 0 --splits 1 --out two-stream",
        _SOON,
    ),
    ("docs/recognition.md", "--preset tsn --out runs", "--preset quick --steps 2 --out runs", _SOON),
    ("docs/recognition.md", "--seeds 0 1 2", "--seeds 0 --steps 2 --folds 0", "two steps in place of thousands"),
    ("docs/rendering.md", "--pairs 6000 --size 192x256", "--pairs 6 --size 64x64", "seconds in place of minutes"),
    ("docs/tour.md", "--preset quick", "--preset quick --steps 2", "two steps in place of thousands"),
    ("docs/training.md", "--pairs 2000 --size 192x256", "--pairs 40 --size 128x128", "seconds in place of minutes"),
    ("docs/training.md", "iterations = 2000", "iterations = 2", "two steps in place of thousands"),
    ("docs/training.md", "warm_up = 200", "warm_up = 1", "two steps in place of thousands"),
    ("docs/training.md", "every = 200", "every = 2", "two steps in place of thousands"),
    ("docs/ucf101.md", "--preset tsn", "--preset quick --steps 2 --folds 0 --splits 1", _SOON),
    (
        "docs/ucf101.md",
        "--preset quick --out quick",
        "--preset quick --out quick --steps 2",
        "two steps in place of thousands",
    ),
)
"""What a page says, what is run in its place, and why."""

NO_GPU = ('device="cuda"', 'device="cpu"'), ('(network, "cuda")', '(network, "cpu")')
"""In Python of any page."""

BEFORE: dict[str, tuple[str, ...]] = {
    "docs/layouts.md": ("flowfeat extract UCF-101 --out ucf101-flow --model dis",),
    "docs/store.md": ("flowfeat extract UCF-101 --out ucf101-flow --model dis --backward --frames",),
}
"""What a page takes for granted that commands of others make."""

FILES = {"docs/training.md": ("toml", "small.toml")}
"""A block of a page, by its language, that the reader is told to save under this name."""


@pytest.fixture(scope="module")
def stand_ins(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stand_ins")
    write_stand_ins(folder, data)
    return folder


@pytest.fixture
def at_home(stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A folder with all that pages take for given, as a reader has them."""
    folder = shutil.copytree(stand_ins, tmp_path / "reader")
    monkeypatch.chdir(folder)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # One process at a time: those that work beside each other first take seconds to load all libraries.
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    return monkeypatch


def _shortened(page: str, text: str) -> str:
    for where, said, instead, _ in INSTEAD:
        if where == page:
            text = text.replace(said, instead)
    return text


def _reason_not_to_run(text: str) -> str | None:
    return next((reason for start, reason in NOT_RUN.items() if f"{text} ".startswith(f"{start} ")), None)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)])
def test_a_page_from_its_beginning_to_its_end(page: str, at_home: pytest.MonkeyPatch):
    for command in BEFORE.get(page, ()):
        assert run(command.split()) == DONE
    blocks = blocks_of(page)
    if page in FILES:
        language, name = FILES[page]
        (text,) = [block.text for block in blocks if block.language == language]
        Path(name).write_text(_shortened(page, text), "utf-8")
    names = {"frames": torch.randint(0, 256, (1, 2, 3, 64, 96), dtype=torch.uint8), "network": _Still()}
    for block in blocks:
        if block.language == "sh":
            _run_commands(block, at_home)
        elif block.language == "python":
            _execute(block, names)


def _run_commands(block: Block, patch: pytest.MonkeyPatch) -> None:
    for command in commands_of(block):
        if _reason_not_to_run(command.text):
            understand(command.words, patch)
            continue
        status = run(_shortened(block.page, command.text).split())
        assert status == DONE, f"status {status} of {command}"


def _execute(block: Block, names: dict[str, object]) -> None:
    text = _shortened(block.page, block.text)
    for said, instead in NO_GPU:
        text = text.replace(said, instead)
    # Lines of errors are those of the page.
    exec(compile("\n" * block.line + text, str(ROOT / block.page), "exec"), names)


class _Still(nn.Module):
    """Somebody's network: from two frames to no motion."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return (second - first)[:, :2] * 0


def test_nothing_is_excused_that_no_page_says():
    texts = [command.text for command in all_commands()]
    assert not [start for start in NOT_RUN if not any(f"{text} ".startswith(f"{start} ") for text in texts)]
    said = {page: "\n".join([*(block.text for block in blocks_of(page)), *_commands_of(page)]) for page in PAGES}
    assert not [(page, words) for page, words, *_ in INSTEAD if words not in said[page]]
    assert not [words for words, _ in NO_GPU if not any(words in text for text in said.values())]
    assert set(BEFORE) | set(FILES) <= set(PAGES)


def _commands_of(page: str) -> list[str]:
    return [command.text for command in all_commands() if command.block.page == page]


@pytest.mark.parametrize("page", PAGES)
def test_every_sentence_in_quotes_is_said_by_the_code(page: str):
    said = sentences_of_the_code()
    for quoted in re.findall("“(.*?)”", PAGES[page].read_text("utf-8"), re.DOTALL):
        parts = [" ".join(part.split()) for part in quoted.split("...")]
        pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
        assert any(pattern.search(sentence) for sentence in said), f"{page}: nothing says {quoted!r}"
