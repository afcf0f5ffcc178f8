"""The size of what is stored is that of what was decoded, and a clip has one size."""

import numpy as np
import pytest
import torch
from fixture_clips import frames_by_pyav, show_by_matrix, write_clip, write_clip_of_sizes

from flowfeat.estimators import EstimatorDescription, FlowEstimator
from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.store import FlowStore
from flowfeat.store.verify import verify


class Brightening(FlowEstimator):
    """Flow of up to 16 pixels that tells where in the frames it is, so that flow which lies on its side is seen."""

    def __init__(self):
        self.description = EstimatorDescription("brightening", "test")

    def estimate(self, frames, pairs):
        grey = frames.float().mean(2)
        return torch.stack([grey[:, 1], grey[:, 0]], 1) / 16


@pytest.mark.parametrize("encoding", ["jpeg", "uint8", "float16"])
@pytest.mark.parametrize(
    ("matrix", "quarters"), [((1, 0, 0, 1), 0), ((0, 1, -1, 0), 1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 3)]
)
def test_a_turned_clip_is_stored_as_it_is_shown(tmp_path, encoding, matrix, quarters):
    clip = show_by_matrix(write_clip(tmp_path / "v.mp4", frames=5, height=64, width=96, codec="libx264"), *matrix)
    shown = np.ascontiguousarray(np.rot90(frames_by_pyav(clip), -quarters, (1, 2)))
    options = ExtractionOptions(out=tmp_path / "flow", model="brightening", encoding=encoding, frames=True)
    assert extract([clip], options, [Brightening()]).complete
    assert verify(options.out).clean
    stored = FlowStore(options.out)["v"]
    source = stored.header.source
    assert (stored.height, stored.width) == (source.height, source.width) == shown.shape[1:3]
    assert np.abs(stored.read_frames().permute(0, 2, 3, 1).numpy().astype(int) - shown).mean() < 6
    tensors = torch.from_numpy(shown).permute(0, 3, 1, 2)
    expected = Brightening()(torch.stack([tensors[:-1], tensors[1:]], 1))
    assert (stored.read() - expected).abs().mean() < 0.5


def test_a_turned_clip_is_resized_by_its_shown_sides(tmp_path):
    clip = show_by_matrix(write_clip(tmp_path / "v.mp4", height=64, width=96, codec="libx264"), 0, 1, -1, 0)
    options = ExtractionOptions(out=tmp_path / "flow", model="zero", resize="shorter:32")
    assert extract([clip], options).complete
    assert verify(options.out).clean
    stored = FlowStore(options.out)["v"]
    assert (stored.height, stored.width) == (48, 32)
    assert (stored.header.source.height, stored.header.source.width) == (96, 64)


@pytest.mark.parametrize("resize", [None, "48x64"])
def test_a_clip_whose_size_changes_costs_only_itself(tmp_path, resize):
    """10 frames of 640x480 are a chunk of their own, so that no chunk has frames of two sizes."""
    write_clip_of_sizes(tmp_path / "clips/changes.mkv", [(10, 480, 640), (6, 240, 320)])
    write_clip(tmp_path / "clips/stays.avi")
    options = ExtractionOptions(out=tmp_path / "flow", model="zero", resize=resize)
    report = extract([tmp_path / "clips"], options)
    assert list(FlowStore(options.out)) == ["stays"]
    (reason,) = report.failed.values()
    assert "changes.mkv: frame 10 is 320x240 and the clip 640x480" in reason
