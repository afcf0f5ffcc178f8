import struct

import numpy as np
import pytest

from flowfeat.errors import FormatError
from flowfeat.formats import read_flo, write_flo

# One row of two pixels: (1.5, -2) and (0.25, 3), from the description of the format.
TINY = b"PIEH" + struct.pack("<ii4f", 2, 1, 1.5, -2.0, 0.25, 3.0)
TINY_FLOW = np.array([[[1.5, 0.25]], [[-2.0, 3.0]]], dtype=np.float32)


def test_a_hand_made_file_is_read(tmp_path):
    (tmp_path / "a.flo").write_bytes(TINY)
    field = read_flo(tmp_path / "a.flo")
    np.testing.assert_array_equal(field.flow, TINY_FLOW)
    assert field.valid is None
    assert field.flow.flags.writeable
    assert field.flow.flags.c_contiguous


def test_the_hand_made_file_is_written_byte_by_byte(tmp_path):
    write_flo(tmp_path / "a.flo", TINY_FLOW)
    assert (tmp_path / "a.flo").read_bytes() == TINY


def test_the_magic_is_the_float_of_the_description():
    assert struct.unpack("<f", TINY[:4]) == (202021.25,)


@pytest.mark.parametrize("unknown", [1e10, -1e10, 1.67e9, float("nan"), float("inf"), float("-inf")])
def test_one_unknown_component_makes_the_pixel_unknown_and_zero(tmp_path, unknown):
    (tmp_path / "a.flo").write_bytes(b"PIEH" + struct.pack("<ii4f", 2, 1, 1.5, unknown, 0.25, 1e9))
    field = read_flo(tmp_path / "a.flo")
    np.testing.assert_array_equal(field.flow, np.array([[[0, 0.25]], [[0, 1e9]]], dtype=np.float32))
    np.testing.assert_array_equal(field.valid, [[False, True]])


def test_unknown_pixels_are_written_as_1e10(tmp_path):
    write_flo(tmp_path / "a.flo", TINY_FLOW, np.array([[True, False]]))
    content = (tmp_path / "a.flo").read_bytes()
    assert struct.unpack("<4f", content[12:]) == (1.5, -2.0, 1e10, 1e10)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "not a Middlebury"),
        (b"PIE", "not a Middlebury"),
        (struct.pack(">f", 202021.25) + TINY[4:], "not a Middlebury"),
        (TINY[:11], "header of 12 bytes, got 11"),
        (TINY[:-1], "28 bytes in all, but the file has 27"),
        (TINY + b"\0", "28 bytes in all, but the file has 29"),
        (b"PIEH" + struct.pack("<ii", 0, 7), "0 x 7"),
        (b"PIEH" + struct.pack("<ii", -1, -1) + bytes(8), "-1 x -1"),
        (b"PIEH" + struct.pack("<ii", 2**31 - 1, 2**31 - 1), "more than any frame"),
        (b"PIEH" + struct.pack("<ii", 8192, 8192), "536870924 bytes in all, but the file has 12"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, content, wrong):
    (tmp_path / "a.flo").write_bytes(content)
    with pytest.raises(FormatError, match=wrong) as caught:
        read_flo(tmp_path / "a.flo")
    assert str(caught.value).startswith(f"{tmp_path / 'a.flo'}: ")
    assert "\n" not in str(caught.value)


def test_a_sparse_file_as_long_as_its_forged_header_is_not_read(tmp_path):
    with (tmp_path / "a.flo").open("wb") as file:
        file.write(b"PIEH" + struct.pack("<ii", 1 << 18, 1 << 18))
        file.truncate(12 + 8 * (1 << 36))
    with pytest.raises(FormatError, match="more than any frame"):
        read_flo(tmp_path / "a.flo")


def test_opencv_reads_what_is_written(tmp_path):
    cv2 = pytest.importorskip("cv2")
    flow = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    write_flo(tmp_path / "a.flo", flow)
    np.testing.assert_array_equal(cv2.readOpticalFlow(str(tmp_path / "a.flo")), flow.transpose(1, 2, 0))


def test_what_opencv_writes_is_read(tmp_path):
    cv2 = pytest.importorskip("cv2")
    flow = np.random.default_rng(1).normal(size=(5, 7, 2)).astype(np.float32)
    cv2.writeOpticalFlow(str(tmp_path / "a.flo"), flow)
    np.testing.assert_array_equal(read_flo(tmp_path / "a.flo").flow, flow.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("scene", "shape", "unknown"),
    # Width and height as published; RubberWhale's unknown pixels counted with the one-liner of the next test.
    [("RubberWhale", (2, 388, 584), True), ("Grove2", (2, 480, 640), False), ("Venus", (2, 380, 420), False)],
)
def test_middlebury_truth_is_read(data, scene, shape, unknown):
    field = read_flo(data / "flow/middlebury/other-gt-flow" / scene / "flow10.flo")
    assert field.flow.shape == shape
    assert (field.valid is not None) == unknown
    # The largest motion of these scenes is below 10 pixels.
    assert 1 < np.abs(field.flow).max() < 10


def test_middlebury_unknown_pixels_are_those_above_1e9_and_survive_rewriting(data, tmp_path):
    path = data / "flow/middlebury/other-gt-flow/RubberWhale/flow10.flo"
    samples = np.frombuffer(path.read_bytes(), "<f4", offset=12).reshape(388, 584, 2)
    field = read_flo(path)
    assert field.valid is not None
    np.testing.assert_array_equal(field.valid, (np.abs(samples) < 1e9).all(axis=2))
    np.testing.assert_array_equal(field.flow[:, field.valid].T, samples[field.valid])
    assert not field.flow[:, ~field.valid].any()
    write_flo(tmp_path / "again.flo", field.flow, field.valid)
    again = read_flo(tmp_path / "again.flo")
    np.testing.assert_array_equal(again.flow, field.flow)
    np.testing.assert_array_equal(again.valid, field.valid)


def test_flying_chairs_truth_is_rewritten_to_the_same_bytes(data, tmp_path):
    path = data / "flow/FlyingChairs_release/data/00001_flow.flo"
    field = read_flo(path)
    assert field.flow.shape == (2, 384, 512)
    assert field.valid is None
    write_flo(tmp_path / "again.flo", field.flow)
    assert (tmp_path / "again.flo").read_bytes() == path.read_bytes()
