"""How a command ends: its exit status, and one sentence about whatever stopped it."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable

from flowfeat.cli.output import say
from flowfeat.errors import InputError

DONE, INCOMPLETE, UNUSABLE = 0, 1, 2


def exit_status(name: str, command: Callable[[], int]) -> int:
    """Run a command; its exit status, or that of what stopped it, after a sentence that begins with `name`."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: say(f"{name}: {message}")
            return command()
    except InputError as fault:
        say(f"{name}: {fault}")
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as fault:
        say(f"{name}: {f'{fault.filename}: ' if fault.filename else ''}{fault.strerror or fault}")
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        return INCOMPLETE
    return UNUSABLE
