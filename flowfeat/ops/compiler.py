"""Whether Triton's kernels can be compiled here. Where not, PyTorch's own operators compute on GPUs, slower."""

import importlib.util
import logging
import os
import shutil
import sysconfig
from functools import cache
from pathlib import Path

logger = logging.getLogger(__name__)


@cache
def compiles() -> bool:
    """Whether Triton is here with what it needs: a C compiler and Python's headers, for what launches its kernels.

    Where something is missing, the log says so once.
    """
    missing = _missing()
    if missing:
        logger.warning(
            "%s not here, which Triton needs to launch its kernels: on a GPU PyTorch's own operators compute instead, "
            "slower",
            missing,
        )
    return not missing


def _missing() -> str | None:
    if importlib.util.find_spec("triton") is None:
        return "Triton is"
    if os.environ.get("TRITON_INTERPRET") == "1":
        return None
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):
        return "a C compiler (gcc or clang) is"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        return "Python.h (of Debian's python3-dev, say) is"
    return None
