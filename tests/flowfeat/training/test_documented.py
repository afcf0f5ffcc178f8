"""docs/training.md says what the code says."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

from flowfeat.training import configuration_names, read_configuration
from flowfeat.training.augmentation import Augmentation
from flowfeat.training.configuration import Configuration, Data, Loss, Validation
from flowfeat.training.schedule import Schedule

TEXT = (Path(__file__).parents[3] / "docs/training.md").read_text("utf-8")
TABLES = {"": Configuration, "data.": Data, "validation.": Validation, "schedule.": Schedule, "loss.": Loss}


def _documented() -> dict[str, str]:
    """What the tables say of the default of each key; several keys of a row have one default, or one each."""
    found = {}
    for keys, defaults in re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \| ([^|]+) \|", TEXT, re.MULTILINE):
        names = [name.strip("[]") for name in re.findall(r"`([^`]+)`", keys)]
        values = re.findall(r"`([^`]+)`", defaults) or [defaults]
        found |= dict(zip(names, values * (len(names) if len(values) == 1 else 1), strict=True))
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_every_key_with_its_default():
    said = _documented()
    for before, table in {**TABLES, "augmentation.": Augmentation}.items():
        for entry in dataclasses.fields(table):
            name = f"{before}{entry.name}"
            if name in ("loss", "validation"):
                continue
            told = said.pop(entry.name if table is Augmentation else name)
            required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
            if required:
                assert told == "required", name
            elif entry.default is None:
                assert told == "none", name
            elif entry.default is not dataclasses.MISSING and told.strip() != "the last one":
                assert tomllib.loads(f"value = {told}")["value"] == _plain(entry.default), name
    assert not [key for key in said if "." in key and key.split(".")[0] in ("data", "validation", "schedule", "loss")]


def test_the_example_is_a_configuration_and_the_names_are_there(tmp_path):
    (example,) = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "small.toml").write_text(example)
    assert read_configuration(tmp_path / "small.toml")[0].initial == "structured"
    for name in re.findall(r"flowfeat train (flownet2-\S+)", TEXT):
        assert name in configuration_names()
