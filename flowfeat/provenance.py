"""Where a number comes from: the machine and the versions of everything that has a part in it."""

import importlib.metadata
import os
import platform
from pathlib import Path

import flowfeat


def versions() -> dict[str, str]:
    """The versions of everything that has a part in the result."""
    found = {
        "flowfeat": flowfeat.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    for package in (
        "torch",
        "numpy",
        "decord",
        "av",
        "pillow",
        "simplejpeg",
        "opencv-contrib-python-headless",
        "scipy",
        "scikit-learn",
        "bioimage-cpp",
    ):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int | None]:
    """The processor, how many of its cores there are, the GPU if there is one, and the system."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    for line in told.read_text().splitlines() if told.exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
