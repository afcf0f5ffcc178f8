import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_datasets import HEIGHT, WIDTH, constant, kitti_tree, middlebury_tree, sintel_tree

from flowfeat.benchmarks import COLUMNS, COLUMNS_OF, benchmark
from flowfeat.benchmarks.measure import measure, pairs_of
from flowfeat.datasets import DATASET_NAMES, open_dataset
from flowfeat.errors import InputError
from flowfeat.estimators import EstimatorDescription, FlowEstimator, Pair, load_estimator
from flowfeat.formats import write_flow


class Constant(FlowEstimator):
    """The same flow everywhere; counts how often it is asked."""

    def __init__(self, u: float, v: float, name: str = "constant"):
        self.description = EstimatorDescription(name, "none")
        self.flow = torch.tensor([u, v], dtype=torch.float32)
        self.calls = 0

    def estimate(self, frames, pairs):
        self.calls += 1
        return self.flow[None, :, None, None].repeat(len(frames), 1, *frames.shape[-2:])


def zero() -> FlowEstimator:
    return load_estimator("zero", device="cpu")


def test_sintel_by_displacement_and_occlusion(tmp_path: Path):
    # Two pairs are wrong by 5 px everywhere and one by 50.
    (measured,) = benchmark("sintel", sintel_tree(tmp_path), [zero()]).models
    assert measured.endpoint_error == measured.columns["EPE"] == pytest.approx((5 + 5 + 50) / 3)
    expected = {
        "s0-1": None,
        "s0-10": 5.0,
        "s10-40": None,
        "s40+": 50.0,
        "matched": 20.0,
        "unmatched": 20.0,
        "Fl-all": 1.0,
        "<1px": 0.0,
        "d0-10": 20.0,
        "d10-60": None,
        "edges": None,
        "textured": 20.0,
    }
    for name, value in expected.items():
        assert measured.columns[name] == (value if value is None else pytest.approx(value)), name
    assert tuple(measured.columns) == COLUMNS_OF["sintel"]
    assert [pair.name for pair in measured.pairs] == ["alley_1/frame_0001", "alley_1/frame_0002", "ambush_2/frame_0001"]
    assert measured.pairs[2].means["unmatched"].pixels == HEIGHT * WIDTH // 2


def test_kitti_2015_adds_pixels_up_and_kitti_2012_averages_over_images(tmp_path: Path):
    # The first pair is wrong by 5 px on half the frame, the second right on all of it.
    trees = {"kitti2012": kitti_tree(tmp_path / "12", "colored_0"), "kitti2015": kitti_tree(tmp_path / "15", "image_2")}
    columns = {name: benchmark(name, root, [zero()]).models[0].columns for name, root in trees.items()}
    for each in columns.values():
        assert each["EPE"] == each["EPE-noc"] == pytest.approx(2.5)
    assert columns["kitti2015"]["Fl-all"] == columns["kitti2015"]["Fl-noc"] == pytest.approx(1 / 3)
    assert columns["kitti2012"]["Out-all"] == columns["kitti2012"]["Out-noc"] == pytest.approx(1 / 2)


def test_the_five_per_cent_are_kitti_2015s_alone(tmp_path: Path):
    trees = {"kitti2012": kitti_tree(tmp_path / "12", "colored_0"), "kitti2015": kitti_tree(tmp_path / "15", "image_2")}
    for root in trees.values():
        for folder in ("flow_occ", "flow_noc"):
            for number in range(2):
                write_flow(root / f"training/{folder}/{number:06d}_10.png", constant(100, 0))
    near = {name: benchmark(name, root, [Constant(104, 0)]).models[0].columns for name, root in trees.items()}
    assert (near["kitti2012"]["Out-all"], near["kitti2015"]["Fl-all"]) == (1, 0)


def test_middlebury_has_angles_and_leaves_the_unknown_out(tmp_path: Path):
    (measured,) = benchmark("middlebury", middlebury_tree(tmp_path), [Constant(0, 1)]).models
    assert measured.pairs[1].endpoint_error == 0
    assert measured.pairs[1].means["EPE"].pixels == (HEIGHT - 1) * WIDTH
    angle = math.degrees(math.acos(5 / math.sqrt(2 * 26)))
    assert measured.columns["AAE"] == pytest.approx(angle / 2)
    assert measured.columns["<1px"] == pytest.approx((HEIGHT - 1) / (2 * HEIGHT - 1))


def test_regions_are_pooled_and_pairs_averaged(tmp_path: Path):
    root = middlebury_tree(tmp_path)
    (measured,) = benchmark("middlebury", root, [zero()]).models
    assert measured.columns["EPE"] == pytest.approx((5 + 1) / 2)
    assert measured.columns["s0-10"] == pytest.approx((5 * HEIGHT + HEIGHT - 1) / (2 * HEIGHT - 1))
    samples = list(open_dataset("middlebury", root))
    errors = np.concatenate([np.hypot(*sample.flow)[sample.valid] for sample in samples if sample.flow is not None])
    assert measured.columns["s0-10"] == pytest.approx(errors.mean())


def test_every_pair_is_timed_warm(tmp_path: Path):
    slow = Constant(0, 0)
    benchmark("middlebury", middlebury_tree(tmp_path), [slow])
    assert slow.calls == 3, "once for the size of the frames, then once a pair"


def test_models_are_measured_on_the_same_pairs(tmp_path: Path):
    record = benchmark("sintel", sintel_tree(tmp_path), [zero(), Constant(3, 4)], rendering="final")
    assert [each.model.model for each in record.models] == ["zero", "constant"]
    assert [each.endpoint_error for each in record.models] == pytest.approx([20, 15])
    assert (record.dataset, record.split, record.rendering) == ("sintel", "train", "final")
    assert len(set(record.files.values())) > 1
    assert all(len(digest) == 64 for digest in record.files.values())


def test_flow_computed_elsewhere_is_measured(tmp_path: Path):
    root = sintel_tree(tmp_path / "sintel")
    for scene, count in {"alley_1": 2, "ambush_2": 1}.items():
        for number in range(1, count + 1):
            write_flow(tmp_path / f"theirs/{scene}/frame_{number:04d}.flo", constant(3, 4))
    (measured,) = benchmark("sintel", root, [load_estimator(f"files:{tmp_path / 'theirs'}")]).models
    assert [pair.endpoint_error for pair in measured.pairs] == pytest.approx([0, 0, 45])


def test_pairs_have_the_names_that_files_go_by():
    names = ["a/frame_0001", "a/frame_0002", "b/frame_0001", "Venus"]
    assert pairs_of(names) == [Pair("a", 0, 1), Pair("a", 1, 2), Pair("b", 0, 1), Pair("Venus", 0, 1)]


def test_what_cannot_be_measured_is_a_sentence(tmp_path: Path):
    root = sintel_tree(tmp_path)
    with pytest.raises(InputError, match=r"MPI-Sintel: this split has no true flow .* take another --split"):
        benchmark("sintel", root, [zero()], split="test")
    with pytest.raises(InputError, match="the model zero is given 2 times"):
        benchmark("sintel", root, [zero(), zero()])
    with pytest.raises(InputError, match=r"constant: its flow of alley_1/frame_0001 is NaN or infinite at 192 pixels"):
        benchmark("sintel", root, [Constant(math.nan, 0)])
    unknown = tmp_path / "unknown"
    middlebury_tree(unknown)
    write_flow(unknown / "other-gt-flow/Venus/flow10.flo", constant(0, 0), np.zeros((HEIGHT, WIDTH), np.bool_))
    with pytest.raises(InputError, match="the flow of Venus is known nowhere"):
        benchmark("middlebury", unknown, [zero()])


def test_every_data_set_has_columns_that_are_known():
    assert set(COLUMNS_OF) == set(DATASET_NAMES)
    for columns in COLUMNS_OF.values():
        assert columns[0] == "EPE"
        assert set(columns) <= set(COLUMNS)
        assert {"bare", "textured"} <= set(columns)


@pytest.mark.parametrize(("model", "error"), [("dis", 0.395), ("zero", 4.13)])
def test_the_real_pairs_of_middlebury(data: Path, model: str, error: float):
    if model == "dis":
        pytest.importorskip("cv2")
    dataset = open_dataset("middlebury", data / "flow/middlebury")
    (measured,) = measure("middlebury", dataset, [load_estimator(model, device="cpu")], ["AAE"])
    assert measured.endpoint_error == pytest.approx(error, abs=0.01)
