"""Importing any package needs no GPU and no optional package, and does nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

IMPORT_EVERYTHING = """
import importlib, os, pkgutil, sys, threading

OPTIONAL = {"cv2", "ray", "matplotlib", "plotly", "tensorboard", "triton", "decord", "pytest", "beartype"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"{name} is optional and blocked here", name=name)

before = dict(os.environ)
import torch, torchvision        # their own imports of optional packages are their own business
sys.meta_path.insert(0, Blocked())
environment, threads = dict(os.environ), threading.active_count()
random_state = torch.random.get_rng_state()
count = 0
for package in ("flowfeat", "recognition", "segmentation"):
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(module.__path__, f"{package}."):
        if not found.name.endswith("_triton"):  # loaded when a tensor is on a GPU
            importlib.import_module(found.name)
            count += 1
assert count > 30, count
assert os.environ == environment, "importing changed the environment"
assert threading.active_count() == threads, "importing started a thread"
assert not torch.cuda.is_initialized(), "importing initialised CUDA"
assert torch.equal(random_state, torch.random.get_rng_state()), "importing drew random numbers"
assert not any(name.split(".")[0] in OPTIONAL - {"triton"} for name in sys.modules), "an optional package was imported"
"""


def _run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:flowfeat", "-c", code],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_importing_every_module_needs_nothing_optional_and_does_nothing(tmp_path):
    done = _run(IMPORT_EVERYTHING, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_import_flowfeat_alone_does_not_load_torch(tmp_path):
    done = _run("import flowfeat, sys; assert 'torch' not in sys.modules; assert flowfeat.__version__", tmp_path)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there(tmp_path):
    done = _run("import flowfeat; [getattr(flowfeat, name) for name in flowfeat.__all__]", tmp_path)
    assert done.returncode == 0, done.stderr
