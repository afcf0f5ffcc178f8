"""The committed page of measurements is what the script makes of the committed records."""

from pathlib import Path

import page
import pytest

ROOT = Path(__file__).parents[2]
NAMES = page.RECORDS


@pytest.fixture(scope="module")
def records() -> dict[str, dict]:
    return page.read_records()


def test_the_page_is_made_from_the_records(records: dict[str, dict]):
    made = page.render(records)
    assert made == (ROOT / "docs/performance.md").read_text(encoding="utf-8"), "run python scripts/bench/page.py"


def test_every_record_is_on_the_page():
    elsewhere = {"default_weights", "eight_bit", "application_table"}  # the model card, and the README
    there = {path.stem for path in (ROOT / "docs/records").glob("*.json")}
    assert there - set(page.WHERE_THERE) == {*NAMES, *elsewhere}


@pytest.mark.parametrize("name", NAMES)
def test_a_record_says_what_was_measured_where_with_what(records: dict[str, dict], name: str):
    record = records[name]
    assert record["bench"] == name
    assert record["machine"].keys() == {"processor", "cores", "gpu", "system", "load_before", "load_after"}
    assert {"flowfeat", "torch", "simplejpeg", "opencv-contrib-python-headless"} <= record["versions"].keys()
    draws_or_hashes_elsewhere = name in ("networks", "variants", "rendering", "segmentation", "stacks", "scale")
    assert record["inputs"] or draws_or_hashes_elsewhere
    assert all(len(checksum) == 64 for checksum in record["inputs"].values())


def test_ratios_follow_from_the_repetitions(records: dict[str, dict]):
    for result in records["networks"]["results"].values():
        each = sorted(a / b for a, b in zip(*(result["milliseconds"][who] for who in ("ours", "peer")), strict=True))
        assert result["time_over_peer"]["max"] == pytest.approx(each[-1], rel=2e-3)
    seconds, ratios = records["extraction"]["seconds"], records["extraction"]["ratios"]
    each = sorted(a / b for a, b in zip(seconds["extract_dis"], seconds["peer"], strict=True))
    told = ratios["extract_dis / peer"]
    assert (told["min"], told["max"]) == pytest.approx((each[0], each[-1]), rel=2e-3)
    milliseconds = records["store"]["read"]["milliseconds"]
    each = sorted(a / b for a, b in zip(milliseconds["jpeg"], milliseconds["loose"], strict=True))
    assert records["store"]["read"]["time_over_loose"]["jpeg"]["max"] == pytest.approx(each[-1], rel=2e-3)
    for result in records["stacks"]["results"].values():
        rates = result["stacks_per_second"]
        each = sorted(a / b for a, b in zip(rates["store"], rates["opencv"], strict=True))
        assert result["rate_over"]["opencv"]["min"] == pytest.approx(each[0], rel=2e-3)
        processor = result["processor_milliseconds"]
        each = sorted(a / b for a, b in zip(processor["store"], processor["pillow"], strict=True))
        assert result["processor_over"]["pillow"]["max"] == pytest.approx(each[-1], rel=2e-3)


def test_the_page_has_its_lists_and_no_row_without_an_end(records: dict[str, dict]):
    lines = page.render(records).split("\n")
    assert "## What has never run on a GPU" in lines
    assert "## What was tried and did not help" in lines
    table = [line for line in lines if line.startswith("|")]
    assert len(table) > 30
    assert all(line.endswith(" |") for line in table)
