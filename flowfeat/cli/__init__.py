"""The command `flowfeat`. Each command is a dataclass: its fields are the options, its `run` does the work.

Only the command that is asked for is imported, so `flowfeat --help` is there at once. Other packages add commands
through the entry-point group `flowfeat.commands`; the overview tells the first line of their docstrings.
"""

import ast
import sys
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn, Protocol, runtime_checkable

from flowfeat import __version__
from flowfeat.cli.output import result, say
from flowfeat.cli.status import DONE, INCOMPLETE, UNUSABLE, exit_status

__all__ = ["DONE", "INCOMPLETE", "UNUSABLE", "Command", "exit_status", "main", "run"]


@runtime_checkable
class Command(Protocol):
    """What a command's dataclass offers besides its options."""

    def run(self) -> int:
        """Do it; return DONE or INCOMPLETE. Raises InputError where the input cannot be used."""
        ...


_COMMANDS: dict[str, tuple[str, str]] = {
    "pair": ("flowfeat.cli.pair:PairCommand", "flow from one picture to another"),
    "extract": ("flowfeat.cli.extract:Extract", "flow of every clip of a folder, into a store"),
    "verify": ("flowfeat.cli.check:Verify", "check every clip, plane and count of a store"),
    "repair": ("flowfeat.cli.check:RepairCommand", "make again what verify finds wrong"),
    "info": ("flowfeat.cli.info:Info", "what a store, a stored clip, a video or a checkpoint is"),
    "export": ("flowfeat.cli.exchange:Export", "a store in another tool's layout"),
    "import": ("flowfeat.cli.exchange:Import", "another tool's flow as a store"),
    "show": ("flowfeat.cli.show:Show", "a picture or a movie of flow"),
    "train": ("flowfeat.cli.train:Train", "a network, from a configuration"),
    "benchmark": ("flowfeat.cli.benchmark:Benchmark", "errors and times on a data set, or files for its server"),
    "benchmark plot": ("flowfeat.cli.benchmark:BenchmarkPlot", "error against width or runtime, as a picture"),
    "render": ("flowfeat.cli.render:Render", "training pairs with exact flow, out of nothing but a seed"),
    "models": ("flowfeat.cli.models:Models", "the models there are"),
    "weights inspect": ("flowfeat.cli.weights:WeightsInspect", "which network a checkpoint holds, and whose it is"),
    "weights convert": ("flowfeat.cli.weights:WeightsConvert", "anybody's checkpoint in our layout"),
    "weights download": ("flowfeat.cli.weights:WeightsDownload", "a published checkpoint, fetched and checked"),
}
"""Names of one word or of two."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 done but incomplete, 2 wrong usage or unusable input."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    commands = _commands()
    if not arguments or arguments[0] in ("-h", "--help"):
        result(_overview(commands))
        return DONE if arguments else UNUSABLE
    if arguments[0] == "--version":
        result(f"flowfeat {__version__}")
        return DONE
    name = " ".join(arguments[:2]) if " ".join(arguments[:2]) in commands else arguments[0]
    if name not in commands:
        family = {known: told for known, told in commands.items() if known.startswith(f"{name} ")}
        if family and arguments[1:] in ([], ["-h"], ["--help"]):
            result(_overview(family))
            return DONE if arguments[1:] else UNUSABLE
        say(f"flowfeat: there is no command {' '.join(arguments[:2])!r}; flowfeat --help lists them")
        return UNUSABLE
    rest = arguments[len(name.split()) :]
    return exit_status(f"flowfeat {name}", lambda: _parse(name, commands[name][0], rest).run())


def _parse(name: str, home: str, arguments: list[str]) -> Command:
    import tyro

    module, attribute = home.split(":")
    command = getattr(import_module(module), attribute)
    return tyro.cli(
        command,
        prog=f"flowfeat {name}",
        args=arguments,
        config=(
            tyro.conf.OmitArgPrefixes,
            tyro.conf.FlagCreatePairsOff,
            tyro.conf.DisallowNone,
            tyro.conf.PositionalMetavarFromFieldName,
        ),
    )


def _commands() -> dict[str, tuple[str, str]]:
    others = {point.name: (point.value, "") for point in entry_points(group="flowfeat.commands")}
    return {**_COMMANDS, **others}


def _summary(home: str) -> str:
    """The first line of a command's docstring, read and not imported: the command may take seconds to load."""
    module, attribute = home.split(":")
    found = find_spec(module)
    if found is None or not found.origin:
        return ""
    for node in ast.parse(Path(found.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            told = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
            return told[:1].lower() + told[1:]
    return ""


def _overview(commands: dict[str, tuple[str, str]]) -> str:
    width = max(map(len, commands))
    lines = [f"  {name:<{width}}  {summary or _summary(home)}" for name, (home, summary) in commands.items()]
    return "\n".join(
        [
            f"flowfeat {__version__}: optical flow for action recognition and motion segmentation",
            "",
            "  flowfeat extract clips/ --out flow/ --model dis",
            "  flowfeat verify flow/",
            "",
            *lines,
            "",
            "flowfeat COMMAND --help explains a command; every command takes --json for a result that programs read.",
            "Exit status: 0 done, 1 done but incomplete, 2 wrong usage or unusable input.",
        ]
    )
