"""Clips that cannot be made are named in the plan, and cost the others nothing."""

import json
from pathlib import Path

import pytest
from fixture_clips import write_clip

from flowfeat.extraction import ExtractionOptions, extract, forecast
from flowfeat.store import FlowStore
from flowfeat.store.verify import verify


@pytest.fixture
def clips(tmp_path) -> Path:
    write_clip(tmp_path / "clips/a.avi")
    write_clip(tmp_path / "clips/b.avi", seed=1)
    return tmp_path / "clips"


def test_a_link_to_nothing_is_a_clip_that_fails(clips, tmp_path):
    (clips / "gone.avi").symlink_to(tmp_path / "nowhere.avi")
    options, seen = ExtractionOptions(out=tmp_path / "flow", model="zero"), []
    why = {"gone": f"{clips}/gone.avi: the clip cannot be read (No such file or directory)"}
    ahead = forecast([clips], options)
    assert (ahead.clips, ahead.done, ahead.todo, ahead.unreadable) == (3, 0, 3, why)
    report = extract([clips], options, progress=seen.append)
    assert (report.clips, report.extracted, report.failed, report.stopped) == (3, 2, why, None)
    assert not report.complete
    assert (seen[-1].clips_done, seen[-1].clips_failed, seen[-1].clips) == (2, 1, 3)
    assert json.loads(Path(report.run_record).read_text())["planned"] == ["a", "b", "gone"]
    assert verify(options.out).missing == why
    again = extract([clips], options)
    assert (again.done_before, again.extracted, again.failed) == (2, 0, why)


def test_a_stored_clip_that_cannot_be_opened_is_left_as_it_is(clips, tmp_path):
    options = ExtractionOptions(out=tmp_path / "flow", model="zero")
    extract([clips], options)
    stored = options.out / "a.safetensors"
    stored.unlink()
    stored.symlink_to(stored.name)  # which nobody can open, root included
    report = extract([clips], options)
    assert (report.done_before, report.extracted) == (1, 0)
    assert report.failed == {"a": f"{stored}: the stored clip cannot be opened (Too many levels of symbolic links)"}
    assert stored.is_symlink()


def test_a_name_that_is_too_long_for_the_store_fails_alone(clips, tmp_path):
    longest, longer = "é" * 121 + "v", "é" * 122  # 243 and 244 bytes, and .safetensors has 12
    for name in (longest, longer):
        write_clip(clips / f"{name}.avi")
    options = ExtractionOptions(out=tmp_path / "not/there/yet", model="zero")
    report = extract([clips], options)
    assert (report.extracted, report.stopped, list(report.failed)) == (3, None, [longer])
    assert "would be called by 256 bytes, and 255 are the most there; give it a shorter one" in report.failed[longer]
    assert list(FlowStore(options.out)) == ["a", "b", longest]
    assert forecast([clips], options).unreadable == report.failed
