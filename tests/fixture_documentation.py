"""The pages of the documentation as a reader follows them: their blocks of code, and the commands in these."""

import ast
import os
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import tyro

from flowfeat.cli import DONE
from flowfeat.cli import run as run_flowfeat

ROOT = Path(__file__).parents[1]

PAGES = {
    path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}

ENVIRONMENT = {
    "SLURM_ARRAY_TASK_ID": "1",
    "SLURM_ARRAY_TASK_COUNT": "2",
    "SLURM_JOB_ID": "7",
    "SLURMD_NODENAME": "node1",
}
"""What Slurm sets for a job of an array."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_JOINS = {"&&", "&", ";"}


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Attributes:
        page: as `docs/tour.md`.
        line: where it begins in the page.
        language: `sh` where the page names none.
        text: what is in it.
    """

    page: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a block: its words, as a shell reads them."""

    block: Block
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        assert not any(" " in word for word in self.words), f"a word with a space: {self.words}"
        return " ".join(self.words)

    def __str__(self) -> str:
        return f"{self.block.page}, block of line {self.block.line}: {self.text}"


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    text = PAGES[page].read_text("utf-8")
    return [
        Block(page, text[: match.start()].count("\n") + 1, {"": "sh", "bash": "sh"}.get(match[1], match[1]), match[2])
        for match in _BLOCK.finditer(text)
    ]


def commands_of(block: Block) -> list[Command]:
    """The commands of a shell block: continued lines are joined, comments left out, `&&` and `&` separate."""
    commands = []
    for line in block.text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&;")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _JOINS:
                words.append(word)
            elif words:
                commands.append(Command(block, tuple(words)))
                words = []
    return commands


def all_commands() -> list[Command]:
    """Of every page, in order."""
    return [
        command
        for page in PAGES
        for block in blocks_of(page)
        if block.language == "sh"
        for command in commands_of(block)
    ]


class _Understood(BaseException):
    """A command line was read to its end; no handler of errors stands in its way."""


def run(words: Sequence[str]) -> int:
    """Run a command of this project in this process; its exit status."""
    return _call([os.path.expandvars(word) for word in _without_launcher(words)])


def understand(words: Sequence[str], patch: pytest.MonkeyPatch) -> None:
    """Read a command by its own command line, and do nothing. Raises AssertionError where it would be refused."""
    parse = tyro.cli

    def parse_alone(*given, **options):
        parse(*given, **options)
        raise _Understood

    words = [os.path.expandvars(word) for word in words]
    if check := _OTHERS.get(words[0]):
        check(words)
        return
    with patch.context() as only_here:
        only_here.setattr(tyro, "cli", parse_alone)
        try:
            status = _call(_without_launcher(words))
        except _Understood:
            return
        except SystemExit as refused:
            status = refused.code
    raise AssertionError(f"refused with status {status}: {' '.join(words)}")


def _without_launcher(words: Sequence[str]) -> list[str]:
    """What `srun` and `torchrun` start, in the words that start it once."""
    if words[0] == "srun":
        return _without_launcher(words[1:])
    if words[0] != "torchrun":
        return list(words)
    from torch.distributed.run import get_args_parser

    given = get_args_parser().parse_args(list(words[1:]))
    return ["python", *(["-m"] if given.module else []), given.training_script, *given.training_script_args]


def _call(words: list[str]) -> int:
    if words[:3] == ["python", "-m", "flowfeat"]:
        words = words[2:]
    if words[0] == "flowfeat":
        return run_flowfeat(words[1:])
    assert words[0] == "python", f"nobody knows how to run {words[0]}"
    script = ROOT / words[1]
    assert script.is_file(), f"there is no {words[1]}"
    before, sys.argv = sys.argv, words[1:]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return int(end.code or DONE)
    finally:
        sys.argv = before
    return DONE


def _check_pip(words: Sequence[str]) -> None:
    """`pip install ".[extras]"`: this project has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    match = re.fullmatch(r"\.(?:\[([\w,]+)\])?", words[-1])
    assert words[1] == "install", words
    assert match, words[-1]
    assert set((match[1] or "opencv").split(",")) <= set(project["optional-dependencies"])


def _check_environment(words: Sequence[str]) -> None:
    """`. venv/bin/activate`: the page made `venv` before."""
    assert words[-1].endswith("/bin/activate"), words


def _check_interpreter(words: Sequence[str]) -> None:
    """`python3 -m MODULE`: a module of Python's own."""
    assert words[1] == "-m", words
    assert words[2] in sys.stdlib_module_names, words


def _check_program(words: Sequence[str]) -> None:
    """A program that a package of the requirements brings."""
    assert entry_points(group="console_scripts", name=words[0]), f"no package brings {words[0]}"


def _check_submission(words: Sequence[str]) -> None:
    """`sbatch FILE`: some page shows a script that Slurm takes under this name."""
    assert any(f"`{words[-1]}`" in path.read_text("utf-8") for path in PAGES.values()), f"no page shows {words[-1]}"


_OTHERS: dict[str, Callable[[Sequence[str]], None]] = {
    ".": _check_environment,
    "pip": _check_pip,
    "python3": _check_interpreter,
    "pytest": _check_program,
    "ray": _check_program,
    "tensorboard": _check_program,
    "sbatch": _check_submission,
}
"""Programs that are not this project's: what can be said of a command without running it."""


@cache
def sentences_of_the_code() -> frozenset[str]:
    """All texts in the code of the packages and scripts; a value that is filled in leaves a gap."""
    found = set()
    for folder in ("flowfeat", "recognition", "segmentation", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    found.add(
                        "".join(str(part.value) if isinstance(part, ast.Constant) else " " for part in node.values)
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return frozenset(found)
