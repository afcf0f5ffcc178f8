"""`files:DIR`: flow computed elsewhere is taken exactly, or refused with the file's name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from flowfeat.errors import InputError
from flowfeat.estimators import Pair, load_estimator
from flowfeat.formats import write_flow


def _flows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (count, 2, 20, 30)).astype(np.float32)


def _write(folder: Path, flows: np.ndarray, ending: str = ".flo", first: int = 0) -> None:
    for t, flow in enumerate(flows, first):
        write_flow(folder / f"{t:05d}{ending}", flow)


FRAMES = torch.zeros(2, 2, 3, 20, 30, dtype=torch.uint8)


@pytest.mark.parametrize("ending", [".flo", ".pfm", ".npy"])
@pytest.mark.parametrize("below", ["", "forward"])
@pytest.mark.parametrize("first", [0, 1, 17])
def test_fields_are_those_of_the_pairs(tmp_path, ending, below, first):
    flows = _flows(5)
    _write(tmp_path / "Punch/v_1" / below, flows, ending, first)
    estimator = load_estimator(f"files:{tmp_path}")
    flow = estimator(FRAMES, [Pair("Punch/v_1", 3, 4), Pair("Punch/v_1", 0, 1)])
    assert np.array_equal(flow.numpy(), flows[[3, 0]])


def test_backward_flow_is_in_its_own_folder(tmp_path):
    forward, backward = _flows(3, 1), _flows(3, 2)
    _write(tmp_path / "v/forward", forward)
    _write(tmp_path / "v/backward", backward)
    flow = load_estimator(f"files:{tmp_path}")(FRAMES, [Pair("v", 1, 2), Pair("v", 2, 1)])
    assert np.array_equal(flow.numpy(), np.stack([forward[1], backward[1]]))


def test_too_few_or_too_many_fields_are_refused(tmp_path):
    _write(tmp_path / "v", _flows(4))
    estimator = load_estimator(f"files:{tmp_path}")
    estimator.check_clip("v", 4, False)
    for pairs in (3, 5):
        with pytest.raises(InputError, match=f"it holds 4 fields and the clip 'v' has {pairs} pairs"):
            estimator.check_clip("v", pairs, False)
    with pytest.raises(InputError, match="backward: there is no such folder"):
        estimator.check_clip("v", 4, True)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    _write(tmp_path / "v", _flows(2))
    estimator = load_estimator(f"files:{tmp_path}")
    (tmp_path / "v/00001.flo").unlink()
    (tmp_path / "v/00001.flo").symlink_to("00001.flo")
    with pytest.raises(InputError, match=r"00001\.flo: this file of flow cannot be read \(Too many levels"):
        estimator(FRAMES[:1], [Pair("v", 1, 2)])


def test_what_is_wrong_is_a_sentence(tmp_path):
    _write(tmp_path / "gap", _flows(5))
    (tmp_path / "gap/00002.flo").unlink()
    _write(tmp_path / "small", _flows(2)[:, :, :10])
    (tmp_path / "none").mkdir()
    write_flow(tmp_path / "sparse/0.flo", _flows(1)[0], np.arange(600).reshape(20, 30) > 5)
    estimator = load_estimator(f"files:{tmp_path}")
    for clip, sentence in [
        ("gap", r"the numbers jump from 00001\.flo to 00003\.flo"),
        ("small", r"the field is 30x10 and the frames of 'small' are 30x20"),
        ("none", r"no flow file"),
        ("nowhere", r"the flow of 'nowhere' is missing"),
        ("sparse", r"6 pixels have no flow"),
    ]:
        with pytest.raises(InputError, match=sentence):
            estimator(FRAMES[:1], [Pair(clip, 0, 1)])
    with pytest.raises(InputError, match="works on clips and not on bare frames"):
        estimator(FRAMES)


def test_other_files_are_another_description(tmp_path):
    _write(tmp_path / "v", _flows(2))
    before = load_estimator(f"files:{tmp_path}").description
    assert load_estimator(f"files:{tmp_path}").description == before
    _write(tmp_path / "v", _flows(2, seed=1))
    again = load_estimator(f"files:{tmp_path}").description
    assert again != before, "computed again, and of the same sizes"
    _write(tmp_path / "v", _flows(3, seed=1))
    assert load_estimator(f"files:{tmp_path}").description != again


def test_a_file_that_cannot_be_looked_at_is_named(tmp_path):
    _write(tmp_path / "v", _flows(2))
    (tmp_path / "v/00002.flo").symlink_to(tmp_path / "gone.flo")
    with pytest.raises(InputError, match=r"v/00002\.flo: this file of flow cannot be read"):
        load_estimator(f"files:{tmp_path}")


def test_refinement_does_not_hide_a_wrong_number_of_fields(tmp_path):
    pytest.importorskip("cv2")
    _write(tmp_path / "v", _flows(4))
    with pytest.raises(InputError):
        load_estimator(f"files:{tmp_path}+v").check_clip("v", 3, False)
