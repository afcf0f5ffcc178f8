import struct
import zlib

import numpy as np
import pytest
from fixture_formats import write_label_maps
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from flowfeat.errors import FormatError, InputError
from segmentation.formats.label_map import (
    davis_palette,
    open_label_maps,
    pairs_of_maps,
    read_label_map,
    shots_of,
    write_label_map,
)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width, height, rows, *, depth, colour, palette=b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    middle = _chunk(b"PLTE", palette) if palette else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + middle
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


# Three pixels with the labels 1, 0 and the highest of their depth; sub-byte samples begin at the highest bit.
SAMPLES = {
    1: (b"\0" + bytes([0b101_00000]), [1, 0, 1]),
    2: (b"\0" + bytes([0b01_00_11_00]), [1, 0, 3]),
    4: (b"\0" + bytes([0x10, 0xF0]), [1, 0, 15]),
    8: (b"\0" + bytes([1, 0, 255]), [1, 0, 255]),
    16: (b"\0" + struct.pack(">3H", 1, 0, 65535), [1, 0, 65535]),
}


@pytest.mark.parametrize("depth", SAMPLES)
def test_grey_of_every_depth_is_read_as_numbers(tmp_path, depth):
    rows, labels = SAMPLES[depth]
    (tmp_path / "a.png").write_bytes(_png(3, 1, rows, depth=depth, colour=0))
    read = read_label_map(tmp_path / "a.png")
    np.testing.assert_array_equal(read, [labels])
    assert read.dtype == np.int32


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_of_every_depth_is_read_as_numbers_and_not_as_colours(tmp_path, depth):
    rows, labels = SAMPLES[depth]
    palette = bytes([7]) * (3 * 2**depth)  # one colour for all labels
    (tmp_path / "a.png").write_bytes(_png(3, 1, rows, depth=depth, colour=3, palette=palette))
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png"), [labels])


@settings(max_examples=30)
@given(hnp.arrays(st.sampled_from([np.uint8, np.uint16, np.int64, np.bool_]), hnp.array_shapes(min_dims=2, max_dims=2)))
def test_labels_survive(tmp_path_factory, labels):
    labels = labels % 65536 if labels.dtype == np.int64 else labels
    path = tmp_path_factory.getbasetemp() / "survive.png"
    write_label_map(path, labels)
    np.testing.assert_array_equal(read_label_map(path), labels.astype(np.int64))


def test_what_is_written_has_the_palette_of_davis(tmp_path):
    write_label_map(tmp_path / "a.png", np.arange(256).reshape(16, 16))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode == "P"
        colours = np.array(picture.convert("RGB")).reshape(256, 3)
    np.testing.assert_array_equal(colours, davis_palette())
    # The first objects of every DAVIS mask: red, green, olive, blue, purple, teal; the ninth begins with dark red.
    np.testing.assert_array_equal(
        colours[:10],
        [
            (0, 0, 0),
            (128, 0, 0),
            (0, 128, 0),
            (128, 128, 0),
            (0, 0, 128),
            (128, 0, 128),
            (0, 128, 128),
            (128, 128, 128),
            (64, 0, 0),
            (191, 0, 0),
        ],
    )
    assert len({tuple(colour) for colour in colours.tolist()}) == 256


def test_labels_above_255_make_16_bits(tmp_path):
    labels = np.array([[0, 256, 38_000]])
    write_label_map(tmp_path / "a.png", labels)
    assert (tmp_path / "a.png").read_bytes()[24] == 16
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png"), labels)


@pytest.mark.parametrize("labels", [[[0, -1]], [[0, 65536]], [[-3, 70000]], np.zeros((0, 4), np.int64)])
def test_what_a_label_map_cannot_hold_is_not_written(tmp_path, labels):
    with pytest.raises(FormatError, match=r"not written: (labels go from|4 x 0 pixels)"):
        write_label_map(tmp_path / "a.png", np.array(labels))
    assert not list(tmp_path.iterdir())


GOOD = _png(3, 1, SAMPLES[8][0], depth=8, colour=0)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "no PNG, or one cut short"),
        (b"\xff\xd8\xff\xe0" + bytes(60), "JPEG does not keep numbers"),
        (GOOD[:30], "no PNG, or one cut short"),
        (GOOD[:48], "damaged and cannot be decoded"),
        (GOOD[:45] + b"\xee" + GOOD[46:], "damaged and cannot be decoded"),
        (_png(3, 1, bytes(10), depth=8, colour=2), "a PNG of colours, whose pixels are no labels"),
        (_png(3, 1, bytes(7), depth=8, colour=4), "grey with transparency"),
        (_png(0, 1, b"", depth=8, colour=0), "0 x 1 pixels is no size"),
        (_png(2**31 - 1, 2**31 - 1, b"", depth=8, colour=0), "is no size of a frame"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, content, wrong):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FormatError, match=wrong) as caught:
        read_label_map(tmp_path / "a.png")
    assert str(caught.value).startswith(f"{tmp_path / 'a.png'}: ")
    assert "\n" not in str(caught.value)


@settings(max_examples=60)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_is_an_error(tmp_path_factory, place, value):
    path = tmp_path_factory.getbasetemp() / "changed.png"
    path.write_bytes(GOOD[:place] + bytes([value]) + GOOD[place + 1 :])
    try:
        labels = read_label_map(path)
    except FormatError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:  # the byte is what it was
        np.testing.assert_array_equal(labels, [[1, 0, 255]])


def test_a_shot_is_written_and_read_in_order(tmp_path):
    maps = [np.full((2, 3), label) for label in (4, 0, 300)]
    write_label_maps(tmp_path / "shot", maps)
    shot = open_label_maps(tmp_path / "shot")
    assert shot.names == ("00000", "00001", "00002")
    assert len(shot) == 3
    np.testing.assert_array_equal(np.stack(list(shot)), np.stack(maps))
    (only,) = open_label_maps(tmp_path / "shot", ["00002"])
    assert only[0, 0] == 300
    assert shots_of(tmp_path) == ["shot"]


def test_a_shot_that_is_not_whole_is_told(tmp_path):
    with pytest.raises(InputError, match="shot: there is no such folder"):
        open_label_maps(tmp_path / "shot")
    with pytest.raises(InputError, match=r"none: there is no such folder; results are in it as SHOT/00000\.png"):
        shots_of(tmp_path / "none")
    (tmp_path / "shot").mkdir()
    with pytest.raises(InputError, match=r"there is no label map here; 00000\.png is expected"):
        open_label_maps(tmp_path / "shot")
    write_label_maps(tmp_path / "shot", [np.zeros((2, 3), np.int64)] * 2)
    with pytest.raises(InputError, match=r"shot/00002\.png: this label map is missing \(2 of 4 are\)"):
        open_label_maps(tmp_path / "shot", ["00000", "00001", "00002", "00003"])


def test_maps_of_two_sizes_are_told(tmp_path):
    write_label_map(tmp_path / "a/00000.png", np.zeros((2, 3), np.int64))
    write_label_map(tmp_path / "a/00001.png", np.zeros((3, 2), np.int64))
    with pytest.raises(FormatError, match=r"00001\.png: expected 3 x 2 pixels as in the shot's first frame, got 2 x 3"):
        list(open_label_maps(tmp_path / "a"))
    write_label_maps(tmp_path / "b", [np.zeros((4, 4), np.int64)])
    with pytest.raises(FormatError, match=r"b/00000\.png: expected 3 x 2 pixels as its ground truth, got 4 x 4"):
        list(pairs_of_maps(open_label_maps(tmp_path / "a", ["00000"]), open_label_maps(tmp_path / "b")))
