import pickle

import numpy as np
import pytest

from flowfeat.errors import FormatError
from flowfeat.formats import read_flow, write_flow

FLOW = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)


def _header(text: str, version: bytes = b"\x01\x00") -> bytes:
    body = text.encode("latin1") + b"\n"
    return b"\x93NUMPY" + version + len(body).to_bytes(2 if version == b"\x01\x00" else 4, "little") + body


def _described(shape: str, descr: str = "'<f4'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def test_numpy_reads_what_is_written(tmp_path):
    write_flow(tmp_path / "a.npy", FLOW.astype(np.float64), FLOW[0] > 3)
    read = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, np.where(FLOW[0] > 3, FLOW, np.nan))


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("last", [False, True], ids=["2hw", "hw2"])
def test_what_numpy_writes_is_read_as_float32(tmp_path, dtype, fortran, last):
    array = (FLOW.transpose(1, 2, 0) if last else FLOW).astype(dtype)
    np.save(tmp_path / "a.npy", np.asfortranarray(array) if fortran else np.ascontiguousarray(array))
    field = read_flow(tmp_path / "a.npy")
    np.testing.assert_array_equal(field.flow, FLOW)
    assert field.flow.dtype == np.float32
    assert field.flow.flags.c_contiguous
    assert field.valid is None


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path, version):
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, FLOW, version=version)
    np.testing.assert_array_equal(read_flow(tmp_path / "a.npy").flow, FLOW)


def test_two_planes_of_two_columns_are_not_taken_for_two_rows_of_pairs(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_flow(tmp_path / "a.npy").flow, array)


def test_nan_infinity_and_beyond_1e9_are_unknown_in_any_precision(tmp_path):
    for dtype, huge in ((np.float16, np.inf), (np.float32, 2e9), (np.float64, 1e300)):
        array = np.zeros((2, 1, 4), dtype=dtype)
        array[0, 0] = 1, np.nan, -np.inf, huge
        np.save(tmp_path / "a.npy", array)
        field = read_flow(tmp_path / "a.npy")
        np.testing.assert_array_equal(field.valid, [[True, False, False, False]])
        np.testing.assert_array_equal(field.flow[0], [[1, 0, 0, 0]])


@pytest.mark.parametrize(
    "array",
    [FLOW.astype(np.int32), FLOW.astype(np.complex64), FLOW[0], FLOW[:1], FLOW[None], FLOW[:, :, 0]],
    ids=["int", "complex", "one plane", "(1, h, w)", "four axes", "two axes"],
)
def test_other_arrays_are_refused_with_their_shape_and_type(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(FormatError, match=r"expected a float16.*\(2, height, width\), got b.*descr"):
        read_flow(tmp_path / "a.npy")


def test_a_pickle_is_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="not flow"):
        read_flow(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(pickle.dumps(FLOW))
    with pytest.raises(FormatError, match="not a numpy"):
        read_flow(tmp_path / "a.npy")


GOOD = _header(_described("(2, 1, 3)")) + bytes(24)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "not a numpy"),
        (b"\x93NUMP", "not a numpy"),
        (b"\x93NUMPY\x09\x00" + GOOD[8:], "expected 1.0, 2.0 or 3.0"),
        (GOOD[:9], "not flow|cut short"),
        (GOOD[:30], "cut short"),
        (GOOD[:-1], "but the file has"),
        (GOOD + b"\0", "but the file has"),
        (b"\x93NUMPY\x02\x00" + b"\xff" * 4 + GOOD[10:], "at most 1024 bytes, got 4294967295"),
        (_header(_described("(2, 9000, 9000)")) + bytes(24), "2 x 9000 x 9000 samples"),
        (_header(_described("(2, 9999999999, 9999999999)")), "more than any frame"),
        (_header(_described("(2, -1, -3)")) + bytes(24), "not flow"),
        (_header(_described("(2, " + "9" * 900 + ", 1)")), "not flow"),
        (_header(_described("(2, 0, 3)")), "holds nothing"),
        (_header(_described("(" * 400)), "not flow"),
        (_header(_described("(2, 1, 3)", "[('a', '<f4')]")) + bytes(24), "not flow"),
        (_header("{'descr': '<f4'" + " " * 900 + "x"), "not flow"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, content, wrong):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(FormatError, match=wrong) as caught:
        read_flow(tmp_path / "a.npy")
    assert str(caught.value).startswith(f"{tmp_path / 'a.npy'}: ")
    assert "\n" not in str(caught.value)
