"""Shared by all tests: runtime shape checks, the research data, and random numbers put back after each test."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Every annotated function of the three packages is checked while tests run, and only then: the checks cost
# about 30 us a call and break torch.compile.
_hook = install_import_hook(["flowfeat", "recognition", "segmentation"], "beartype.beartype")
_hook.__enter__()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of research data, named by FLOWFEAT_DATA."""
    if not os.environ.get("FLOWFEAT_DATA"):
        pytest.skip("FLOWFEAT_DATA is unset: it names the folder of research clips and flow")
    folder = Path(os.environ["FLOWFEAT_DATA"])
    if not folder.is_dir():
        pytest.fail(f"FLOWFEAT_DATA={folder} is not a folder")
    return folder
