import dataclasses
import re

import numpy as np
import pytest
from PIL import Image

from flowfeat.errors import InputError
from flowfeat.visualization import (
    Panel,
    contact_sheet,
    displacement_scale,
    flow_panel,
    flow_picture,
    flow_to_colour,
    overlay,
    save_picture,
)
from flowfeat.visualization._captions import _font, wrapped


def noise(height: int = 60, width: int = 80, scale: float = 3.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, scale, (2, height, width)).astype(np.float32)


def flat(colour: tuple[int, int, int], height: int = 30, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def test_flow_picture_is_the_flow_over_a_strip():
    flow = noise(100, 400)
    picture = flow_picture(flow, max_displacement=7.3, caption="a caption")
    assert picture.shape[1] == 400
    assert (picture[:100] == flow_to_colour(flow, 7.3)).all()
    strip = picture[101:]
    assert 40 < len(strip) < 100
    assert (strip.astype(int).max(axis=2) - strip.min(axis=2)).max() > 200  # the wheel's colours
    assert (strip[:, 100:].max(axis=2) < 60).any()  # the ink
    assert not (picture[101:] == flow_picture(flow, max_displacement=7.4, caption="a caption")[101:]).all()


def test_narrow_flow_gets_room_for_the_words():
    picture = flow_picture(noise(20, 30))
    assert picture.shape[1] == 320
    assert (picture[:20, :145] == 255).all()
    assert not (picture[:20, 145:175] == 255).all()


def test_caption_states_the_normalisation():
    assert flow_panel(noise(), max_displacement=7.3).caption == "full colour = 7.3 px, darker beyond"
    flow = noise()
    assert f"{displacement_scale(flow):.3g} px" in flow_panel(flow, caption="first").caption
    assert flow_panel(flow, np.ones((60, 80), dtype=bool), 7.3, "first").caption.startswith("first\nfull colour")


@pytest.mark.parametrize(("known", "words"), [(4799, "99.9%"), (1200, "25%"), (1, "under 0.1%")])
def test_caption_states_how_much_is_known(known, words):
    valid = np.arange(4800).reshape(60, 80) < known
    last = flow_panel(noise(), valid, 5.0).caption.splitlines()[-1]
    assert last == f"sparse truth, interpolated where unknown ({words} known)"


def test_interpolated_pixels_cannot_pass_for_known_ones():
    # Flow of every direction and size on both sides; each unknown pixel takes its left neighbour's.
    flow = noise(200, 200)
    valid = np.zeros((200, 200), dtype=bool)
    valid[:, ::2] = True
    image = flow_panel(flow, valid, 4.0).image
    assert (image[valid] == flow_to_colour(flow, 4.0)[valid]).all()
    known, interpolated = image[valid], image[~valid]
    # The two sets of colours do not meet.
    assert ((known.max(axis=1) == 255) | (known.min(axis=1) == 0)).all()
    assert interpolated.min() >= 40
    assert interpolated.max() <= 191
    # The hatching: the same flow has two looks.
    still = flow_panel(np.zeros_like(flow), valid, 4.0).image
    assert set(still[~valid][:, 0].tolist()) == {(255 + 80) // 2, (255 + 128) // 2}


def test_unknown_values_do_not_reach_the_picture():
    flow = noise()
    valid = np.random.default_rng(1).random((60, 80)) < 0.5
    wild = np.where(valid, flow, np.float32(np.nan))
    assert (flow_picture(wild, valid) == flow_picture(flow, valid)).all()


def test_nothing_known():
    with pytest.raises(InputError, match="without a single known pixel"):
        flow_picture(noise(), np.zeros((60, 80), dtype=bool), 5.0)


def test_contact_sheet_lays_panels_out_in_order():
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    sheet = contact_sheet([[Panel(flat(red), "red"), Panel(flat(green), "")], [Panel(flat(blue), "b")]], "Title")
    places = []
    for colour in (red, green, blue):
        rows, columns = np.nonzero((sheet == colour).all(axis=2))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (240, 320)  # 40 x 30 scaled to 320 wide
        places.append((rows.min(), columns.min()))
    (red_y, red_x), (green_y, green_x), (blue_y, blue_x) = places
    assert red_y == green_y < blue_y - 240
    assert red_x == blue_x < green_x - 320
    assert (sheet[:red_y].max(axis=2) < 60).any()  # the title's ink
    assert (sheet[-3:] == 255).all()


def test_contact_sheet_keeps_tall_panels_apart():
    colours = [(200, 0, 0), (0, 200, 0)]
    sheet = contact_sheet([[Panel(flat(colours[0], 90, 30))], [Panel(flat(colours[1], 10, 300))]], panel_width=60)
    for colour, height in zip(colours, (180, 2), strict=True):
        assert (sheet == colour).all(axis=2).sum() == height * 60


@pytest.mark.parametrize("rows", [[], [[]]])
def test_contact_sheet_needs_a_panel(rows):
    with pytest.raises(InputError, match="at least one panel"):
        contact_sheet(rows)


def test_contact_sheet_draws_the_key_below_the_caption():
    red, image = (255, 0, 0), flat((0, 0, 255))
    bare = contact_sheet([[Panel(image, "caption")]])
    keyed = contact_sheet([[Panel(image, "caption", ((red, "wrong"), ((0, 255, 0), "right")))]])
    assert keyed.shape[0] == bare.shape[0] + round(13 * 1.3)
    rows, columns = np.nonzero((keyed == red).all(axis=2))
    assert rows.min() > np.nonzero((keyed == (0, 0, 255)).all(axis=2))[0].max()
    assert columns.max() < np.nonzero((keyed == (0, 255, 0)).all(axis=2))[1].min()
    # What does not fit beside each other is in rows of its own.
    words = "a rather long explanation of it"
    stacked = contact_sheet([[Panel(image, "caption", ((red, words), ((0, 255, 0), words)))]])
    assert stacked.shape[0] == bare.shape[0] + 2 * round(13 * 1.3)


def test_contact_sheets_of_a_movie_are_of_one_size():
    image = flat((1, 2, 3))
    said = ["", "short", "words " * 40]
    free = {contact_sheet([[Panel(image, caption)]]).shape for caption in said}
    fixed = [contact_sheet([[Panel(image, caption)]], caption_lines=1) for caption in said]
    assert len(free) == 3
    assert len({sheet.shape for sheet in fixed}) == 1
    assert not np.array_equal(fixed[1], fixed[2])


def test_contact_sheet_needs_width():
    with pytest.raises(InputError, match="panel_width must be at least 40"):
        contact_sheet([[Panel(flat((0, 0, 0)))]], panel_width=10)


def test_panel_is_frozen_and_prints_no_pixels():
    panel = Panel(flat((1, 2, 3)), "caption")
    assert repr(panel) == "Panel(caption='caption')"
    with pytest.raises(dataclasses.FrozenInstanceError):
        panel.caption = "other"  # type: ignore[misc]


def test_lines_fit_and_lose_no_word():
    text = "a sentence of several words and\n" + "w" * 200
    lines = wrapped(text, 14, 150)
    assert max(_font(14).getlength(line) for line in lines) <= 150
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert wrapped("Müller — ×4 日", 14, 400) == ["Muller - x4 ?"]


def test_overlay_of_no_motion_is_the_grey_frame():
    frame = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    grey = np.array(Image.fromarray(frame).convert("L"))
    got = overlay(frame, np.zeros((2, 50, 70), dtype=np.float32), 5.0)
    assert (got == grey[..., None]).all()


def test_overlay_is_more_opaque_where_more_moves():
    flow = np.zeros((2, 40, 4), dtype=np.float32)  # too narrow for an arrow: the first stands at x = 8
    flow[0] = np.linspace(0, 10, 40)[:, None]
    got = overlay(flat((100, 100, 100), 40, 4), flow, 10.0)[:, 0].astype(int)
    saturation = got.max(axis=1) - got.min(axis=1)
    assert (np.diff(saturation) >= 0).all()
    # 0.6 of red over grey 100: 0.4 * 100 + 0.6 * (255, 0, 0)
    assert got[-1].tolist() == [193, 40, 40]
    assert (overlay(flat((100, 100, 100), 40, 4), flow, 10.0, opacity=0.0) == 100).all()


def test_overlay_arrow_is_as_long_as_the_displacement():
    flow = np.zeros((2, 40, 60), dtype=np.float32)
    flow[0, 24, 24] = 20.0  # the second grid point, step 16 from 8
    got = overlay(flat((128, 128, 128), 40, 60), flow, 1e6)[..., 0]
    black = np.nonzero((got < 60).any(axis=0))[0]
    assert abs(black.min() - 24) <= 1
    assert abs(black.max() - 44) <= 1


def test_overlay_survives_huge_flow():
    flow = np.full((2, 40, 60), 1e30, dtype=np.float32)
    assert overlay(flat((128, 128, 128), 40, 60), flow, 5.0).shape == (40, 60, 3)


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_overlay_opacity(opacity):
    with pytest.raises(InputError, match="opacity must be between 0 and 1"):
        overlay(flat((0, 0, 0)), np.zeros((2, 30, 40), dtype=np.float32), 1.0, opacity)


def test_save_png_is_lossless(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    save_picture(tmp_path / "a.PNG", image)
    assert (np.array(Image.open(tmp_path / "a.PNG")) == image).all()


@pytest.mark.parametrize("ending", ["jpg", "jpeg"])
def test_save_jpeg_keeps_colours(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    save_picture(path, flat((250, 20, 120)))
    with Image.open(path) as read:
        assert read.format == "JPEG"
        assert np.abs(np.array(read).astype(int) - (250, 20, 120)).max() <= 3


def test_save_refuses_other_endings(tmp_path):
    with pytest.raises(InputError, match=r"a\.gif: a picture's name must end in \.png, \.jpg, \.jpeg"):
        save_picture(tmp_path / "a.gif", flat((0, 0, 0)))
    assert not list(tmp_path.iterdir())


def test_real_frame_and_truth(data, tmp_path):
    folder = data / "flow/middlebury"
    with Image.open(folder / "other-data/RubberWhale/frame10.png") as image:
        frame = np.array(image.convert("RGB"))
    header_less = np.fromfile(folder / "other-gt-flow/RubberWhale/flow10.flo", np.float32, offset=12)
    flow = np.ascontiguousarray(header_less.reshape(*frame.shape[:2], 2).transpose(2, 0, 1))
    valid = (np.abs(flow) < 1e9).all(axis=0)
    panel = flow_panel(flow, valid, caption="truth")
    # Measured from the published field: 98.4% known, 99th percentile 3.56 px.
    assert panel.caption.splitlines() == [
        "truth",
        "full colour = 3.56 px, darker beyond",
        "sparse truth, interpolated where unknown (98.4% known)",
    ]
    still = np.where(valid, flow, np.float32(0))
    blended = Panel(overlay(frame, still, displacement_scale(flow, valid)), "overlay")
    sheet = contact_sheet([[Panel(frame, "frame 10"), panel, blended]], "RubberWhale")
    assert sheet.shape[1] == 4 * 16 + 3 * 320
    save_picture(tmp_path / "sheet.png", sheet)
    with Image.open(tmp_path / "sheet.png") as read:
        assert read.size == (sheet.shape[1], sheet.shape[0])
