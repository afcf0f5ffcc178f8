import subprocess
import sys

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flowfeat.errors import FormatError
from flowfeat.formats import FLOW_ENDINGS, FlowField, read_flow, write_flow


@st.composite
def _fields(draw):
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    known = st.floats(-1e9, 1e9, width=32)
    flow = draw(hnp.arrays(np.float32, (2, height, width), elements=known))
    valid = draw(st.none() | hnp.arrays(np.bool_, (height, width)))
    return flow, valid


@pytest.mark.parametrize("ending", [".flo", ".pfm", ".npy"])
@settings(max_examples=25)
@given(_fields())
def test_any_flow_survives_bit_by_bit(tmp_path_factory, ending, made):
    flow, valid = made
    path = tmp_path_factory.getbasetemp() / f"round{ending}"
    write_flow(path, flow, valid)
    field = read_flow(path)
    known = np.ones(flow.shape[1:], dtype=bool) if valid is None else valid
    assert field.flow.tobytes() == np.where(known, flow, np.float32(0)).tobytes()
    assert (field.valid is None) == known.all()
    np.testing.assert_array_equal(known if field.valid is None else field.valid, known)


def test_the_endings_are_these_four():
    assert FLOW_ENDINGS == (".flo", ".png", ".pfm", ".npy")


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
def test_capitals_and_plain_strings_do(tmp_path, ending):
    path = str(tmp_path / f"a{ending.upper()}")
    flow = np.array([[[1.5, -3]], [[0.25, 7]]], dtype=np.float32)
    write_flow(path, flow)
    np.testing.assert_array_equal(read_flow(path).flow, flow)


@pytest.mark.parametrize("name", ["a.jpg", "flo", "a", ".flo", "a.flo.gz"])
def test_another_ending_is_told_the_ones_that_work(tmp_path, name):
    with pytest.raises(FormatError, match=r"use one of \.flo, \.png, \.pfm, \.npy") as caught:
        read_flow(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(FormatError, match=r"use one of"):
        write_flow(tmp_path / name, np.zeros((2, 1, 1), dtype=np.float32))


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
def test_a_missing_file_and_a_folder_are_os_errors(tmp_path, ending):
    with pytest.raises(FileNotFoundError):
        read_flow(tmp_path / f"a{ending}")
    (tmp_path / f"b{ending}").mkdir()
    with pytest.raises(IsADirectoryError):
        read_flow(tmp_path / f"b{ending}")


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_every_float_type_in_any_layout_can_be_written(tmp_path, ending, dtype):
    flow = np.arange(12).reshape(2, 3, 2).astype(dtype).transpose(0, 2, 1)
    write_flow(tmp_path / f"a{ending}", flow)
    np.testing.assert_array_equal(read_flow(tmp_path / f"a{ending}").flow, flow)


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
def test_what_is_written_is_not_changed_and_anything_may_hide_behind_the_mask(tmp_path, ending):
    flow = np.array([[[1, np.nan, np.inf]], [[2, 3e9, 1e39]]], dtype=np.float64)
    kept, valid = flow.copy(), np.array([[True, False, False]])
    write_flow(tmp_path / f"a{ending}", flow, valid)
    np.testing.assert_array_equal(flow, kept)
    np.testing.assert_array_equal(valid, [[True, False, False]])
    np.testing.assert_array_equal(read_flow(tmp_path / f"a{ending}").flow, [[[1, 0, 0]], [[2, 0, 0]]])


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.1e9, 1e300])
def test_unmarked_unknown_values_are_counted_and_nothing_is_written(tmp_path, ending, bad):
    flow = np.zeros((2, 2, 3))
    flow[0, 0, 0] = flow[:, 1, 1] = bad
    with pytest.raises(FormatError, match="2 of 6 pixels hold NaN, infinity or more than 1e9 pixels"):
        write_flow(tmp_path / f"a{ending}", flow)
    assert not list(tmp_path.iterdir())


ZEROS = np.zeros((2, 3, 4), dtype=np.float32)


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
@pytest.mark.parametrize(
    ("flow", "valid", "wrong"),
    [
        (ZEROS[0], None, r"float32 \(3, 4\)"),
        (ZEROS.transpose(1, 2, 0), None, r"float32 \(3, 4, 2\)"),
        (ZEROS[:, :0], None, "4 x 0 pixels holds nothing"),
        (ZEROS.astype(np.int32), None, "int32"),
        (ZEROS.astype(np.longdouble), None, "longdouble|float128"),
        (ZEROS.tolist(), None, "got list"),
        (ZEROS, ZEROS[0], r"expected valid as a \(3, 4\) array of bool, got float32"),
        (ZEROS, np.ones((4, 3), dtype=bool), r"got bool \(4, 3\)"),
        (ZEROS, [[True]], "got list"),
    ],
)
def test_other_arrays_are_refused_without_the_test_time_checks_too(tmp_path, monkeypatch, ending, flow, valid, wrong):
    # Users run without the import hook of conftest.py.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(FormatError, match=wrong):
        write_flow(tmp_path / f"a{ending}", flow, valid)
    assert not list(tmp_path.iterdir())


def test_a_field_prints_shapes_and_no_values():
    assert repr(FlowField(ZEROS)) == "FlowField(flow=float32 (2, 3, 4), valid=None)"
    field = FlowField(ZEROS, np.ones((3, 4), dtype=bool))
    assert str(field) == "FlowField(flow=float32 (2, 3, 4), valid=bool (3, 4))"


@pytest.mark.parametrize(
    ("flow", "valid"),
    [(ZEROS[0], None), (ZEROS.astype(np.float64), None), (ZEROS, ZEROS[0]), (ZEROS, np.ones((4, 3), bool))],
)
def test_a_field_of_another_shape_or_type_cannot_be_made(monkeypatch, flow, valid):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match="expected a"):
        FlowField(flow, valid)


def test_importing_loads_no_heavy_package():
    heavy = "{'torch', 'torchvision', 'cv2', 'av', 'PIL'}"
    code = f"import sys, flowfeat.formats; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
