"""The real clips: every one extracts, with the frames that PyAV decodes."""

from concurrent.futures import ThreadPoolExecutor

import av
import pytest

from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.store import FlowStore
from flowfeat.store.verify import verify


def _count_by_pyav(path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_all_clips_have_the_frames_of_pyav_and_the_store_is_clean(data, tmp_path):
    clips = data / "ucf101/UCF-101"
    report = extract([clips], ExtractionOptions(out=tmp_path, model="zero", resize="shorter:48"))
    assert report.complete
    assert report.extracted == 136
    store = FlowStore(tmp_path)
    with ThreadPoolExecutor() as pool:
        counts = dict(zip(store, pool.map(lambda key: _count_by_pyav(clips / f"{key}.avi"), store), strict=True))
    assert {key: clip.header.source.frames_decoded for key, clip in store.items()} == counts
    assert all(clip.pairs == counts[key] - 1 for key, clip in store.items())
    assert verify(tmp_path).clean


def test_dis_on_real_clips_of_every_class(data, tmp_path):
    pytest.importorskip("cv2")
    folders = sorted(path for path in (data / "ucf101/UCF-101").iterdir() if path.is_dir())
    clips = [min(folder.glob("*.avi"), key=lambda path: path.stat().st_size) for folder in folders]
    report = extract(clips, ExtractionOptions(out=tmp_path, model="dis", frames=True))
    assert (report.extracted, report.failed) == (8, {})
    assert 0 < report.clipped_share < 0.05
    for clip in FlowStore(tmp_path).values():
        flow = clip.read()
        assert flow.abs().max() <= 20.5
        assert 0.01 < clip.header.mean_displacement < 10
        # The quantised flow still has the statistics of the flow that was computed.
        assert float(flow.norm(dim=1).mean()) == pytest.approx(
            clip.header.mean_displacement, abs=0.05 + 20 * clip.header.clipped_share
        )
    assert verify(tmp_path).clean
