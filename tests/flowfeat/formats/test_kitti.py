import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flowfeat.errors import FormatError
from flowfeat.formats import FlowField, read_flo, read_kitti, write_kitti


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width, height, image, *, depth=16, colour=2, interlaced=0, between=b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + between + _chunk(b"IDAT", image) + _chunk(b"IEND", b"")


# One row, no filter: u = (32832 - 32768) / 64 = 1, v = (32736 - 32768) / 64 = -0.5; then an unknown pixel.
TINY_ROWS = b"\0" + struct.pack(">6H", 32832, 32736, 1, 0, 0, 0)
TINY = _png(2, 1, zlib.compress(TINY_ROWS))


def test_a_hand_made_file_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(TINY)
    field = read_kitti(tmp_path / "a.png")
    np.testing.assert_array_equal(field.flow, np.array([[[1, 0]], [[-0.5, 0]]], dtype=np.float32))
    np.testing.assert_array_equal(field.valid, [[True, False]])


@settings(max_examples=30)
@given(st.data())
def test_codes_survive_and_unknown_pixels_too(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "round.png"
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    codes = data.draw(hnp.arrays(np.uint16, (2, height, width)))
    valid = data.draw(hnp.arrays(np.bool_, (height, width)))
    flow = np.where(valid, (codes.astype(np.float32) - 32768) / 64, np.float32(0))
    write_kitti(path, flow, valid)
    field = read_kitti(path)
    np.testing.assert_array_equal(field.flow, flow)
    np.testing.assert_array_equal(np.ones_like(valid) if field.valid is None else field.valid, valid)
    assert (field.valid is None) == valid.all()


def test_other_values_are_rounded_to_the_nearest_64th(tmp_path):
    flow = np.random.default_rng(0).uniform(-512, 511.984, (2, 20, 30)).astype(np.float32)
    write_kitti(tmp_path / "a.png", flow)
    read = read_kitti(tmp_path / "a.png").flow
    assert np.abs(read - flow).max() <= 1 / 128
    np.testing.assert_array_equal(read * 64, np.rint(read * 64))


@pytest.mark.parametrize("value", [512, -512.01, 511.993, 1e9])
def test_values_out_of_range_are_counted_and_nothing_is_written(tmp_path, value):
    flow = np.zeros((2, 2, 3), dtype=np.float32)
    flow[0, 0, 0] = flow[:, 1, 2] = value
    with pytest.raises(FormatError, match=r"2 of 6 pixels are outside .* -512 to 511\.98 pixels"):
        write_kitti(tmp_path / "a.png", flow)
    assert not list(tmp_path.iterdir())


def test_values_out_of_range_may_hide_behind_the_mask(tmp_path):
    flow = np.array([[[1, 1e9, np.nan]], [[2, 0, 0]]], dtype=np.float32)
    write_kitti(tmp_path / "a.png", flow, np.array([[True, False, False]]))
    field = read_kitti(tmp_path / "a.png")
    np.testing.assert_array_equal(field.flow, np.array([[[1, 0, 0]], [[2, 0, 0]]], dtype=np.float32))


def test_opencv_reads_what_is_written(tmp_path):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    flow = rng.uniform(-500, 500, (2, 37, 53)).astype(np.float32)
    valid = rng.random((37, 53)) < 0.7
    write_kitti(tmp_path / "a.png", flow, valid)
    blue, green, red = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED).transpose(2, 0, 1)
    np.testing.assert_array_equal(blue, valid)
    np.testing.assert_array_equal(red, np.where(valid, np.rint(flow[0] * 64) + 32768, 0))
    np.testing.assert_array_equal(green, np.where(valid, np.rint(flow[1] * 64) + 32768, 0))


def test_what_opencv_writes_is_read(tmp_path):
    cv2 = pytest.importorskip("cv2")
    bgr = np.random.default_rng(1).integers(0, 65536, (19, 23, 3), dtype=np.uint16)
    bgr[..., 0] &= 1
    assert cv2.imwrite(str(tmp_path / "a.png"), bgr)
    _assert_same(read_kitti(tmp_path / "a.png"), bgr)


def test_every_row_filter_gives_what_opencv_gives(tmp_path):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 256, (41, 1 + 6 * 23), dtype=np.uint8)
    rows[:, 0] = rng.permutation(np.arange(41) % 5)
    (tmp_path / "a.png").write_bytes(_png(23, 41, zlib.compress(rows.tobytes())))
    _assert_same(read_kitti(tmp_path / "a.png"), cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED))


def _assert_same(field: FlowField, bgr: np.ndarray) -> None:
    valid = bgr[..., 0] > 0
    expected = (bgr[..., :0:-1].astype(np.float32) - 32768) / 64
    np.testing.assert_array_equal(field.flow, np.where(valid, expected.transpose(2, 0, 1), 0))
    np.testing.assert_array_equal(np.ones_like(valid) if field.valid is None else field.valid, valid)


def test_metadata_changes_nothing_and_is_never_inflated(tmp_path):
    bomb = zlib.compress(bytes(50_000_000), 9)
    between = _chunk(b"tRNS", bytes(6)) + _chunk(b"sBIT", bytes([5, 5, 5])) + _chunk(b"zTXt", b"x\0\0" + bomb)
    (tmp_path / "a.png").write_bytes(_png(2, 1, zlib.compress(TINY_ROWS), between=between))
    np.testing.assert_array_equal(read_kitti(tmp_path / "a.png").valid, [[True, False]])


IMAGE = zlib.compress(TINY_ROWS)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "not a PNG file"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "not a PNG file"),
        (TINY[:20], "cut short or damaged: expected an IHDR"),
        (TINY[:40], "cut short: expected a chunk IEND"),
        (TINY[:-12], "cut short: expected a chunk IEND"),
        (TINY[:-1], "cut short: expected a chunk IEND"),
        (TINY + b"\0", f"end after {len(TINY)} bytes, but it has {len(TINY) + 1}"),
        (TINY[:45] + b"\xee" + TINY[46:], "IDAT' does not match its checksum"),
        (_png(2, 1, IMAGE, depth=8), "got depth 8, colour type 2"),
        (_png(2, 1, IMAGE, colour=6), "got depth 16, colour type 6"),
        (_png(2, 1, IMAGE, interlaced=1), "interlacing 1"),
        (_png(0, 1, IMAGE), "0 x 1 pixels holds nothing"),
        (_png(2**32 - 1, 2**32 - 1, IMAGE), "more than any frame"),
        (_png(10000, 10000, IMAGE), "10000 x 10000 pixels, which .* cannot hold"),
        (_png(1, 1, IMAGE, between=_chunk(b"tEXt", bytes(1 << 21))), "1 x 1 pixels, which .* cannot hold"),
        (_png(3, 1, IMAGE), "need 19 bytes of image data, it has fewer"),
        (_png(1, 1, IMAGE), "need 7 bytes of image data, it has more"),
        (_png(2, 1, IMAGE[:-4]), "it has fewer"),
        (_png(2, 1, IMAGE[:-1] + b"?"), "cannot be inflated"),
        (_png(2, 1, b"not deflate"), "cannot be inflated"),
        (_png(2, 1, zlib.compress(b"\x05" + TINY_ROWS[1:])), "filters 0 to 4, got 5"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, content, wrong):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FormatError, match=wrong) as caught:
        read_kitti(tmp_path / "a.png")
    assert str(caught.value).startswith(f"{tmp_path / 'a.png'}: ")
    assert "\n" not in str(caught.value)


def test_real_flow_survives_within_a_128th_of_a_pixel_in_an_eighth_of_the_bytes(data, tmp_path):
    path = data / "flow/middlebury/other-gt-flow/RubberWhale/flow10.flo"
    truth = read_flo(path)
    write_kitti(tmp_path / "a.png", truth.flow, truth.valid)
    field = read_kitti(tmp_path / "a.png")
    np.testing.assert_array_equal(field.valid, truth.valid)
    assert np.abs(field.flow - truth.flow).max() <= 1 / 128
    assert (tmp_path / "a.png").stat().st_size < path.stat().st_size / 8
