"""Shared by all tests: runtime shape checks, the research data, and random numbers put back after each test."""

import os
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

import hypothesis
import pytest
from jaxtyping import install_import_hook

# Tests that run side by side have a processor each: threads that wait for one another's turn take many times longer.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test fails because a machine is busy.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

# Every annotated function of the three packages is checked while tests run, and only then: the checks cost
# about 30 us a call and break torch.compile.
_hook = install_import_hook(["flowfeat", "recognition", "segmentation"], "shape_checks.check")
_hook.__enter__()


class _Kernels(MetaPathFinder):
    """Leaves kernels unchecked: Triton compiles a function with its globals, and a check's wrapper has others."""

    def find_spec(self, fullname, path=None, target=None):
        kernels = fullname.startswith("flowfeat.ops.") and fullname.endswith("_triton")
        return PathFinder.find_spec(fullname, path, target) if kernels else None


sys.meta_path.insert(0, _Kernels())


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of research data, named by FLOWFEAT_DATA."""
    if not os.environ.get("FLOWFEAT_DATA"):
        pytest.skip("FLOWFEAT_DATA is unset: it names the folder of research clips and flow")
    folder = Path(os.environ["FLOWFEAT_DATA"])
    if not folder.is_dir():
        pytest.fail(f"FLOWFEAT_DATA={folder} is not a folder")
    return folder


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """`make_clip("a.avi", frames=12)` writes a clip below `tmp_path`; the rest goes to `write_clip`."""
    from fixture_clips import write_clip

    return lambda name, **options: write_clip(tmp_path / name, **options)


@pytest.fixture(autouse=True)
def _random_state_is_put_back():
    """No test changes the random numbers of the next."""
    import numpy as np
    import torch

    state, numpy_state = torch.random.get_rng_state(), np.random.get_state()  # noqa: NPY002 - the global one is guarded
    yield
    torch.random.set_rng_state(state)
    np.random.set_state(numpy_state)  # noqa: NPY002


def pytest_runtest_setup(item: pytest.Item) -> None:
    import torch

    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        if os.environ.get("FLOWFEAT_GPU"):
            pytest.fail("FLOWFEAT_GPU promises a GPU and there is none")
        pytest.skip("no GPU is here")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where the data is there and no skip is allowed (CI), a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("FLOWFEAT_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
