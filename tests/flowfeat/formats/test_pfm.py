import struct

import numpy as np
import pytest

from flowfeat.errors import FormatError
from flowfeat.formats import read_pfm, write_pfm

# One column of two pixels; the file starts with the lower row.
ROWS = (3.0, 4.0, 9.0, 1.0, -2.0, 9.0)
LITTLE = b"PF\n1 2\n-1.0\n" + struct.pack("<6f", *ROWS)
BIG = b"PF\n1 2\n1.0\n" + struct.pack(">6f", *ROWS)
FLOW = np.array([[[1], [3]], [[-2], [4]]], dtype=np.float32)


@pytest.mark.parametrize(
    "content",
    [
        LITTLE,
        BIG,
        LITTLE.replace(b"-1.0", b"-0.003922"),
        LITTLE.replace(b"\n1 2\n-1.0\n", b"\r\n1 2\r\n-1.0\r\n"),
    ],
    ids=["little-endian", "big-endian", "scaled", "CRLF"],
)
def test_a_hand_made_file_is_read_from_the_bottom(tmp_path, content):
    (tmp_path / "a.pfm").write_bytes(content)
    field = read_pfm(tmp_path / "a.pfm")
    np.testing.assert_array_equal(field.flow, FLOW)
    assert field.valid is None


def test_the_hand_made_file_is_written_byte_by_byte(tmp_path):
    write_pfm(tmp_path / "a.pfm", FLOW)
    expected = LITTLE.replace(struct.pack("<f", 9), struct.pack("<f", 0))
    assert (tmp_path / "a.pfm").read_bytes() == expected


@pytest.mark.parametrize("unknown", [float("nan"), float("inf"), -1e10])
def test_what_is_not_finite_or_beyond_1e9_is_unknown(tmp_path, unknown):
    (tmp_path / "a.pfm").write_bytes(b"PF\n2 1\n-1\n" + struct.pack("<6f", 1, unknown, 0, 5, 6, unknown))
    field = read_pfm(tmp_path / "a.pfm")
    np.testing.assert_array_equal(field.flow, np.array([[[0, 5]], [[0, 6]]], dtype=np.float32))
    np.testing.assert_array_equal(field.valid, [[False, True]])


def test_a_first_sample_that_looks_like_a_newline_is_a_sample(tmp_path):
    flow = np.full((2, 1, 1), np.frombuffer(b"\n\n\n\n", "<f4")[0])
    write_pfm(tmp_path / "a.pfm", flow)
    np.testing.assert_array_equal(read_pfm(tmp_path / "a.pfm").flow, flow)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "not a PFM file"),
        (b"P6\n1 2\n255\n", "not a PFM file"),
        (b"Pf\n1 2\n-1.0\n" + bytes(8), "not flow: .* one channel"),
        (b"PF\n1 2\n", "header is wrong"),
        (b"PF1 2\n-1.0\n" + bytes(24), "header is wrong"),
        (b"PF\n1 -2\n-1.0\n" + bytes(24), "header is wrong"),
        (b"PF\n" + b"9" * 5000 + b" 2\n-1.0\n", "header is wrong"),
        (b"PF\n0 2\n-1.0\n", "0 x 2"),
        (b"PF\n9999999999 9999999999\n-1.0\n", "more than any frame"),
        (b"PF\n9000 9000\n-1.0\n" + bytes(24), "972000018 bytes in all, but the file has 42"),
        (LITTLE.replace(b"-1.0", b"0.0"), "scale is wrong"),
        (LITTLE.replace(b"-1.0", b"nan"), "scale is wrong"),
        (LITTLE.replace(b"-1.0", b"-inf"), "scale is wrong"),
        (LITTLE.replace(b"-1.0", b"1e999"), "scale is wrong"),
        (LITTLE.replace(b"-1.0", b"x"), "scale is wrong"),
        (LITTLE[:-1], "36 bytes in all, but the file has 35"),
        (LITTLE + b"\0", "36 bytes in all, but the file has 37"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, content, wrong):
    (tmp_path / "a.pfm").write_bytes(content)
    with pytest.raises(FormatError, match=wrong) as caught:
        read_pfm(tmp_path / "a.pfm")
    assert str(caught.value).startswith(f"{tmp_path / 'a.pfm'}: ")
    assert "\n" not in str(caught.value)


def test_opencv_reads_what_is_written(tmp_path):
    cv2 = pytest.importorskip("cv2")
    flow = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    write_pfm(tmp_path / "a.pfm", flow)
    read = cv2.imread(str(tmp_path / "a.pfm"), cv2.IMREAD_UNCHANGED)
    # OpenCV holds the three channels backwards.
    np.testing.assert_array_equal(read[..., 2], flow[0])
    np.testing.assert_array_equal(read[..., 1], flow[1])
    assert not read[..., 0].any()


def test_what_opencv_writes_is_read(tmp_path):
    cv2 = pytest.importorskip("cv2")
    bgr = np.random.default_rng(1).normal(size=(5, 7, 3)).astype(np.float32)
    assert cv2.imwrite(str(tmp_path / "a.pfm"), bgr)
    np.testing.assert_array_equal(read_pfm(tmp_path / "a.pfm").flow, bgr[..., :0:-1].transpose(2, 0, 1))
