from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets import open_flying_chairs
from flowfeat.errors import InputError
from flowfeat.formats import write_flow


@pytest.fixture
def release(tmp_path: Path, write_frame, make_flow) -> Path:
    """Four pairs, the second and third of which are to validate on."""
    root = tmp_path / "sets" / "FlyingChairs_release"
    for number in range(1, 5):
        for kind in ("img1", "img2"):
            write_frame(root / f"data/{number:05d}_{kind}.ppm")
        path = root / f"data/{number:05d}_flow.flo"
        write_flow(path, make_flow(path))
    (root / "FlyingChairs_train_val.txt").write_text("1\n2\n2\n1\n")
    (root / "data/.DS_Store").write_bytes(b"")
    (root / "data/._00001_img1.ppm").write_bytes(b"")
    return root


@pytest.mark.parametrize(
    ("split", "names"),
    [("train", ["00001", "00004"]), ("validation", ["00002", "00003"]), ("all", ["00001", "00002", "00003", "00004"])],
)
def test_the_list_decides_the_split(release: Path, split, names):
    assert list(open_flying_chairs(release, split).names) == names


def test_a_pair_is_its_two_frames_and_its_flow(release: Path, write_frame, make_flow):
    sample = open_flying_chairs(release, "validation")[1]
    frames = [write_frame(release / f"data/00003_{kind}.ppm") for kind in ("img1", "img2")]
    np.testing.assert_array_equal(sample.frames, frames)
    np.testing.assert_array_equal(sample.flow, make_flow(release / "data/00003_flow.flo"))
    assert sample.valid.all()
    assert sample.occluded is None


@pytest.mark.parametrize("below", ["..", ".", "data"])
def test_the_folder_above_and_the_one_below_will_do(release: Path, below, monkeypatch):
    assert len(open_flying_chairs(release / below)) == 2
    monkeypatch.chdir(release / below)
    assert len(open_flying_chairs(Path())) == 2


def test_all_needs_no_list(release: Path):
    (release / "FlyingChairs_train_val.txt").unlink()
    assert len(open_flying_chairs(release, "all")) == 4
    with pytest.raises(InputError, match=r"train_val\.txt: the list of the split cannot be read .*; take it from http"):
        open_flying_chairs(release)


@pytest.mark.parametrize("kind", ["img1.ppm", "img2.ppm", "flow.flo"])
def test_what_is_missing_is_named_and_counted(release: Path, kind):
    for number in (3, 4):
        (release / f"data/{number:05d}_{kind}").unlink()
    with pytest.raises(InputError) as told:
        open_flying_chairs(release, "all")
    assert str(told.value) == (
        f"{release}/data/00003_{kind}: the file is missing, so the pair 00003 of FlyingChairs is incomplete "
        "(2 of 4 pairs are); unpack it again"
    )
    with pytest.raises(InputError, match=r"00004 of FlyingChairs is incomplete \(1 of 2"):
        open_flying_chairs(release, "train")


def test_a_pair_that_only_the_list_knows_is_missing(release: Path):
    (release / "FlyingChairs_train_val.txt").write_text("1\n2\n2\n1\n1\n")
    with pytest.raises(InputError, match=r"00005_img1\.ppm: the file is missing"):
        open_flying_chairs(release, "train")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("1\n2\n2\n", "it has 3 lines and .*data holds a pair 4; take the list from http"),
        ("", "it has 0 lines"),
        ("1\n2\nx\n1\n", "entry 3: 'x' is not 1 or 2"),
        ("1\n3\n1\n1\n", "entry 2: '3' is not 1 or 2"),
        ("2\n2\n2\n2\n", "no line of its 4 is 1, so split 'train' is empty"),
        ("\u00e9", "entry 1: '' is not 1 or 2"),
    ],
)
def test_a_list_of_something_else_is_refused(release: Path, text, wrong):
    (release / "FlyingChairs_train_val.txt").write_text(text)
    with pytest.raises(InputError, match=wrong):
        open_flying_chairs(release)


def test_a_list_with_blanks_and_crlf_is_the_same_list(release: Path):
    (release / "FlyingChairs_train_val.txt").write_bytes(b"1\r\n2 \r\n\r\n2\r\n1")
    assert open_flying_chairs(release).names == ("00001", "00004")


def test_a_folder_of_something_else_is_told(tmp_path: Path):
    (tmp_path / "x/data").mkdir(parents=True)
    with pytest.raises(InputError) as told:
        open_flying_chairs(tmp_path / "x")
    assert str(told.value) == (
        f"{tmp_path}/x: FlyingChairs is neither here nor one folder further down or up, where data/*_img1.ppm or "
        "data/*_img2.ppm or data/*_flow.flo was looked for; give the folder FlyingChairs_release of its archive"
    )
    with pytest.raises(InputError, match="y: there is no such folder; give the one that holds FlyingChairs"):
        open_flying_chairs(tmp_path / "y")


def test_an_unknown_split_is_told(release: Path):
    with pytest.raises(InputError, match="FlyingChairs has no split 'val'; say train or validation or all"):
        open_flying_chairs(release, "val")


def test_two_copies_side_by_side_are_not_guessed_between(release: Path):
    (release.parent / "copy/data").mkdir(parents=True)
    (release.parent / "copy/data/00001_img1.ppm").write_bytes(b"")
    with pytest.raises(InputError, match="FlyingChairs is in FlyingChairs_release and in copy; give one of these"):
        open_flying_chairs(release.parent)


def test_the_real_pair_is_read(data: Path):
    dataset = open_flying_chairs(data / "flow/FlyingChairs_release", "validation")
    assert dataset.names == ("00001",)
    sample = dataset[0]
    assert sample.frames.shape == (2, 384, 512, 3)
    assert sample.flow is not None
    assert sample.valid.all()
    # The second frame, taken from where the flow points, is nearer to the first than the second frame itself.
    assert _difference(sample.frames, sample.flow) < 0.6 * _difference(sample.frames, np.zeros_like(sample.flow))


def _difference(frames: np.ndarray, flow: np.ndarray) -> float:
    rows, columns = np.indices(flow.shape[1:])
    x, y = np.rint(columns + flow[0]).astype(int), np.rint(rows + flow[1]).astype(int)
    inside = (x >= 0) & (x < flow.shape[2]) & (y >= 0) & (y < flow.shape[1])
    return float(np.abs(frames[1][y[inside], x[inside]].astype(float) - frames[0][inside]).mean())
