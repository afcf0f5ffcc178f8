"""Pictures of all methods on the same frames; what cannot be drawn says why."""

from pathlib import Path

import numpy as np
import pytest
from application.flow_sheets import flow_sheet, shown_clips
from application.layout import Layout
from application.overlay_sheets import overlay_sheet, shown_shots
from application.pictures import Pictures, draw_pictures
from application.results import Row
from application.scatter import Axes, Point, box_of, draw_points
from fixture_application import actions, errors, make_cell, make_row, masks, speed, store, tracks
from fixture_clips import write_clip
from fixture_overlays import write_fbms, write_run
from fixture_stores import settings, smooth_flow, write_stored_clip
from PIL import Image

from flowfeat.errors import InputError
from flowfeat.store import FlowStore
from flowfeat.visualization.figures import figure_of
from segmentation.runs.layout import open_run

CLIPS = ("Lunges/v_Lunges_g01_c01", "Lunges/v_Lunges_g01_c02", "Push|Ups/v_<b>_g01_c01")


def write_store(home: Path, largest: float, keys: tuple[str, ...] = CLIPS, width: int = 64) -> Path:
    for place, key in enumerate(keys):
        flow = smooth_flow(3, width * 3 // 4, width, largest or 1, seed=place) * (largest > 0)
        write_stored_clip(home, key, settings(encoding="uint8"), flow)
    return home


@pytest.fixture
def layout(tmp_path) -> Layout:
    """Stores and segmentations of `dis` and `zero`."""
    found = Layout(tmp_path / "table")
    root = write_fbms(tmp_path / "FBMS")
    for method, largest in (("dis", 8.0), ("zero", 0.0)):
        write_store(found.home / f"work/{method}/ucf101-made", largest)
        for kind in ("fbms", "davis"):
            write_run(found.segments(method, kind), root)
    return found


def rows(*more: Row) -> list[Row]:
    """Of `dis` and `zero` all that pictures are made of."""
    methods = [("dis", 9, 20.0), ("zero", 6, 0.01)]
    measured = [
        {"speed": speed(cost), "errors": errors(cost, cost + 1), "fbms": tracks(right / 10), "actions": actions(right)}
        for _, right, cost in methods
    ]
    return [
        Row(row.name, {**row.cells, **make_row(row.name, **each).cells})
        for row, each in zip(on_disk(), measured, strict=True)
    ] + list(more)


def on_disk() -> list[Row]:
    """Of `dis` and `zero` what is drawn from stores and results."""
    return [make_row(name, fbms=tracks(0.5), davis=masks(0.5), store=store(8)) for name in ("dis", "zero")]


def every(pictures: Pictures):
    return [picture for group in vars(pictures).values() for picture in group]


def test_all_pictures_are_written_and_can_be_opened(layout):
    drawn = draw_pictures(rows(), layout)
    assert [picture.missing for picture in every(drawn)] == [None] * len(every(drawn))
    assert sorted(path.name for path in layout.pictures.iterdir()) == [
        "accuracy-epe-edges.png",
        "accuracy-epe.png",
        "accuracy-runtime.png",
        "confusion-dis.png",
        "confusion-zero.png",
        "davis-1.jpg",
        "f-measure-runtime.png",
        "fbms-1.jpg",
        "flow-1.jpg",
        "flow-2.jpg",
        "flow-3.jpg",
    ]
    for picture in every(drawn):
        assert picture.file is not None
        seen = np.array(Image.open(picture.file).convert("RGB"))
        assert seen.std() > 5


def test_pictures_of_an_earlier_table_are_removed_and_other_files_are_not(layout):
    layout.pictures.mkdir(exist_ok=True)
    for name in ("confusion-gone.png", "flow-9.jpg", "notes.txt"):
        (layout.pictures / name).write_bytes(b"old")
    drawn = {picture.file for picture in every(draw_pictures(rows(), layout)) if picture.file}
    assert set(layout.pictures.iterdir()) == drawn | {layout.pictures / "notes.txt"}


def test_a_store_that_is_gone_leaves_its_method_out_and_says_so(layout):
    drawn = draw_pictures([*on_disk(), make_row("gone", store=store(8), fbms=tracks(0.5))], layout)
    assert all("Without gone:" in picture.caption for picture in (*drawn.flow, *drawn.fbms))
    assert all("Without" not in picture.caption for picture in drawn.davis)


def test_nothing_on_disk_is_a_reason_and_no_crash(tmp_path):
    drawn = draw_pictures(on_disk(), Layout(tmp_path))
    for group in (drawn.flow, drawn.fbms, drawn.davis):
        (picture,) = group
        assert picture.file is None
        assert "there is no" in (picture.missing or "")


def test_a_damaged_clip_is_a_reason_for_its_sheet_alone(layout):
    (layout.home / "work/dis/ucf101-made" / f"{CLIPS[0]}.safetensors").write_bytes(b"damaged")
    first, *others = draw_pictures(on_disk(), layout).flow
    assert first.file is None
    assert "not a whole safetensors file" in (first.missing or "")
    assert all(picture.file for picture in others)


def test_a_truncated_mask_is_a_reason(layout):
    for mask in (layout.segments("zero", "davis") / "masks/cars1").iterdir():
        mask.write_bytes(mask.read_bytes()[:20])
    (picture,) = draw_pictures(on_disk(), layout).davis
    assert picture.file is None
    assert "masks" in (picture.missing or "")


def test_rows_without_measurements_have_no_pictures(tmp_path):
    failed = make_row("dis", store="no", fbms="no", davis="no", actions="no", speed="no")
    assert every(draw_pictures([failed, Row("lost", {}, "lost: no")], Layout(tmp_path))) == []
    assert not (tmp_path / "pictures").exists()


def test_clips_are_those_of_all_stores_and_of_different_classes(tmp_path):
    stores = {
        "a": FlowStore(write_store(tmp_path / "a", 4, (*CLIPS, "Zumba/v_z"))),
        "b": FlowStore(write_store(tmp_path / "b", 4)),
    }
    assert shown_clips(stores, 2) == [CLIPS[0], CLIPS[2]]
    assert shown_clips(stores, 9) == list(CLIPS)
    stores["c"] = FlowStore(write_store(tmp_path / "c", 4, ("Other/v_o",)))
    with pytest.raises(InputError, match="no clip is in the stores of all methods"):
        shown_clips(stores, 2)


def test_one_scale_for_all_methods_so_that_slow_motion_is_paler(tmp_path):
    key = CLIPS[:1]
    stores = {
        name: FlowStore(write_store(tmp_path / name, largest, key)) for name, largest in (("a", 16.0), ("b", 2.0))
    }
    write_clip(tmp_path / f"clips/{CLIPS[0]}.avi", frames=4)
    sheet = flow_sheet(stores, CLIPS[0], tmp_path / "clips").astype(int)
    frame, fast, slow = (sheet[60:240, 15 + 315 * place : 315 * (place + 1)] for place in range(3))
    colour = [np.ptp(panel, axis=2).mean() for panel in (fast, slow)]
    assert colour[0] > 2 * colour[1]
    white = [np.mean(panel.min(axis=2) > 250) for panel in (frame, fast)]
    assert white[0] < 0.01 < 0.1 < white[1]  # the clip is a texture
    bare = flow_sheet(stores, CLIPS[0])
    assert bare.shape[1] < sheet.shape[1]


def test_flow_of_smaller_frames_is_brought_to_the_size_of_the_first(tmp_path):
    key = CLIPS[:1]
    large = FlowStore(write_store(tmp_path / "large", 8.0, key, width=64))
    small = FlowStore(write_store(tmp_path / "small", 4.0, key, width=32))
    sheet = flow_sheet({"large": large, "small": small}, CLIPS[0]).astype(int)
    colour = [np.ptp(sheet[60:200, 15 + 315 * place : 315 * (place + 1)], axis=2).mean() for place in range(2)]
    assert colour[0] == pytest.approx(colour[1], rel=0.2)


def test_overlays_show_frame_truth_and_methods(layout):
    runs = {name: open_run(layout.segments(name, "fbms")) for name in ("dis", "zero")}
    assert shown_shots(runs, 2) == ["cars1"]
    assert overlay_sheet(runs, "cars1", dense=False).shape[1] == overlay_sheet(runs, "cars1", dense=True).shape[1]
    assert not np.array_equal(overlay_sheet(runs, "cars1", dense=False), overlay_sheet(runs, "cars1", dense=True))
    with pytest.raises(InputError, match="no shot was segmented by all methods"):
        shown_shots({}, 2)


def test_plots_need_two_methods_on_the_same_data(tmp_path):
    first, second = make_row("dis", speed=speed(20.0), actions=actions(9)), make_row("zero", speed=speed(0.01))
    other = Row("zero", {**second.cells, "actions": make_cell("actions", "zero", actions(6), data="1" * 64)})
    (accuracy,) = draw_pictures([first, other], Layout(tmp_path)).runtime
    assert accuracy.file is None
    assert "dis alone has them" in (accuracy.missing or "")
    third = make_row("deepflow", speed=speed(900), actions=actions(8))
    (accuracy,) = draw_pictures([first, other, third], Layout(tmp_path)).runtime
    assert accuracy.file is not None
    assert "Left out, as measured on other data: zero." in accuracy.caption


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_names_in_a_plot_overlap_neither_each_other_nor_points_and_stay_inside(scale):
    near = [Point(f"flownet2-css-ft-sd-{n}", 100 + n, 80 + n / 4, 70, 90) for n in range(5)]
    points = [*near, Point("zero", 0.02, 12, 5, 20), Point("$x$ <b>", 5000, 99)]
    figure = figure_of(6.4, 4.4)
    names = draw_points(figure, points, Axes("ms", "accuracy", scale))
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    (axes,) = figure.axes
    boxes = [box_of(name, renderer) for name in names]
    frame = axes.get_window_extent(renderer)
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
        assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
        assert frame.y0 <= box.y0 <= box.y1 <= frame.y1
        for x, y in axes.transData.transform([(point.x, point.y) for point in points]):
            assert not box.contains(x, y)
    assert [name.get_text() for name in names][-1] == r"\$x\$ <b>"
