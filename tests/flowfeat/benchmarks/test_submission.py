from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_datasets import HEIGHT, WIDTH, kitti_tree, middlebury_tree, sintel_tree

from flowfeat.benchmarks import write_submission
from flowfeat.errors import InputError
from flowfeat.estimators import EstimatorDescription, FlowEstimator, load_estimator
from flowfeat.formats import read_flow


class Counting(FlowEstimator):
    """Flow that says how many pairs came before; fails at the one that `fails` names."""

    def __init__(self, fails: int = -1, name: str = "counting", step: float = 1.0):
        self.description = EstimatorDescription(name, "none")
        self.calls, self._fails, self._step = 0, fails, step

    def estimate(self, frames, pairs):
        if self.calls == self._fails:
            raise KeyboardInterrupt
        self.calls += 1
        return torch.full((len(frames), 2, *frames.shape[-2:]), float(self.calls * self._step))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_sintel_has_both_renderings(tmp_path: Path):
    root, out, seen = sintel_tree(tmp_path / "sintel"), tmp_path / "out", []
    written = write_submission("sintel", root, Counting(), out, lambda done, total: seen.append((done, total)))
    assert (written.files, written.model, written.folder) == (4, "counting", str(out))
    names = ["market_1/frame_0001.flo", "market_1/frame_0002.flo"]
    assert files(out) == [f"{rendering}/{name}" for rendering in ("clean", "final") for name in names]
    for place, name in enumerate(files(out), 1):
        field = read_flow(out / name)
        assert field.flow.shape == (2, HEIGHT, WIDTH)
        assert (field.flow == place).all()
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "camera", "below"), [("kitti2012", "colored_0", ""), ("kitti2015", "image_2", "flow/")]
)
def test_kitti_as_each_kit_wants_it(tmp_path: Path, name: str, camera: str, below: str):
    out = tmp_path / "out"
    write_submission(name, kitti_tree(tmp_path / "kitti", camera), Counting(step=0.25), out)
    assert files(out) == [f"{below}000000_10.png", f"{below}000001_10.png"]
    for number in range(2):
        field = read_flow(out / f"{below}{number:06d}_10.png")
        assert field.flow.shape == (2, HEIGHT, WIDTH + number)
        assert field.valid is None
        assert (field.flow == 0.25 * (number + 1)).all()


def test_flow_beyond_kittis_range_is_its_end(tmp_path: Path):
    write_submission("kitti2015", kitti_tree(tmp_path / "k", "image_2"), Counting(step=5000), tmp_path / "out")
    assert np.unique(read_flow(tmp_path / "out/flow/000000_10.png").flow).tolist() == [511.984375]


def test_an_interrupted_run_goes_on(tmp_path: Path):
    root, out = sintel_tree(tmp_path / "sintel"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_submission("sintel", root, Counting(fails=2), out)
    assert not out.exists()
    assert files(tmp_path / "out.partial") == [
        "clean/market_1/frame_0001.flo",
        "clean/market_1/frame_0002.flo",
        "model.json",
    ]
    with pytest.raises(InputError, match=r"out\.partial: a submission to out was begun here with another model"):
        write_submission("sintel", root, Counting(name="other"), out)
    rest = Counting()
    assert write_submission("sintel", root, rest, out).files == 4
    assert rest.calls == 2


def test_a_file_of_another_size_is_found(tmp_path: Path):
    root, out = kitti_tree(tmp_path / "kitti", "image_2"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write_submission("kitti2015", root, Counting(fails=1), out)
    begun = tmp_path / "out.partial/flow"
    (begun / "000001_10.png").write_bytes((begun / "000000_10.png").read_bytes())
    with pytest.raises(
        InputError, match=r"000001_10\.png: it is 16x12 and the frame is 17x12; remove it and run again"
    ):
        write_submission("kitti2015", root, Counting(), out)
    (begun / "000001_10.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"000001_10\.png: it cannot be read back .* remove it and run again"):
        write_submission("kitti2015", root, Counting(), out)
    assert not out.exists()


def test_what_cannot_be_submitted_is_a_sentence(tmp_path: Path):
    zero = load_estimator("zero", device="cpu")
    with pytest.raises(InputError, match="middlebury takes no submissions of flow; sintel, kitti2012 and kitti2015 do"):
        write_submission("middlebury", middlebury_tree(tmp_path / "m"), zero, tmp_path / "out")
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="there: it is there already; remove it or give another --submission"):
        write_submission("sintel", sintel_tree(tmp_path / "s"), zero, tmp_path / "there")
    with pytest.raises(InputError, match="MPI-Sintel is neither here"):
        write_submission("sintel", tmp_path / "m", zero, tmp_path / "out")
    assert not (tmp_path / "out.partial").exists()
