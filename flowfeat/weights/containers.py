"""The four kinds of file that weights come in, told apart by how they begin; nothing in them is ever run."""

import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from flowfeat.errors import FormatError, InputError
from flowfeat.weights.caffemodel import read_caffemodel
from flowfeat.weights.eight_bit import from_eight_bits

Kind = Literal["safetensors", "pickle", "caffemodel", "hdf5"]
Storage = Literal["float32", "int8"]

HEADER = "flowfeat.network"
"""The key in a safetensors file's metadata under which ours say what network they are."""

_CAFFE_BEGINS = (b"\x0a", b"\xa2\x06", b"\x12")  # the name, a layer, a layer of the old kind


@dataclass(frozen=True)
class Contents:
    """The tensors of a file, under its own names, all float32; `header` is what a file of ours says about itself.

    `storage` is what the numbers are in a file of ours.
    """

    kind: Kind
    tensors: dict[str, Tensor]
    header: dict[str, Any] | None = None
    storage: Storage | None = None


def read_contents(path: Path) -> Contents:
    """The tensors of a checkpoint of any kind.

    Raises:
        FormatError: where it is none, is damaged, or would run code; the sentence says which.
        InputError: where there is no such file.
    """
    kind = kind_of(path)
    if kind == "caffemodel":
        return Contents(kind, {name: torch.from_numpy(blob) for name, blob in read_caffemodel(path).items()})
    if kind == "hdf5":
        return Contents(kind, _read_hdf5(path))
    if kind == "pickle":
        return Contents(kind, _as_float(path, _read_pickle(path)))
    tensors, header = _read_safetensors(path)
    if header is None:
        return Contents(kind, _as_float(path, tensors))
    storage = header.get("storage", "float32")
    if storage == "int8":
        try:
            return Contents(kind, from_eight_bits(tensors), header, storage)
        except ValueError as fault:
            raise FormatError(f"{path}: {fault}") from fault
    if storage != "float32":
        raise FormatError(f"{path}: its numbers are stored as {storage!r}, which this version does not read")
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32:
            raise FormatError(f"{path}: {name!a} is {str(tensor.dtype)[6:]} where its header says float32")
    return Contents(kind, tensors, header, storage)


def kind_of(path: Path) -> Kind:
    """What kind of file it is, by its first bytes. Raises FormatError where it is none that holds weights."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with path.open("rb") as file:
        begin = file.read(16)
    if begin.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if begin.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return "pickle"
    if begin[8:9] == b"{":
        return "safetensors"
    if begin.startswith(_CAFFE_BEGINS) and not _is_text(begin):
        return "caffemodel"
    raise FormatError(
        f"{path}: this is no checkpoint: it begins like none of .safetensors, .pth, .caffemodel and .caffemodel.h5"
    )


def holds_weights(path: Path) -> bool:
    """Whether a file looks like a checkpoint and not like a clip or a stored clip."""
    from safetensors import SafetensorError, safe_open

    try:
        if kind_of(path) != "safetensors":
            return True
        with safe_open(path, "pt") as file:
            return HEADER in (file.metadata() or {})
    except (FormatError, SafetensorError):
        return False


def _is_text(begin: bytes) -> bool:
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in begin)


def _read_pickle(path: Path) -> dict[str, Tensor]:
    # weights_only: nothing that a file pickles is run. NVIDIA's trainer saves its best error as a number of numpy's.
    number = np.float64(0).__reduce__()[0]
    harmless = [
        (number, "numpy.core.multiarray.scalar"),
        (number, "numpy._core.multiarray.scalar"),
        np.dtype,
        type(np.dtype(np.float64)),
        type(np.dtype(np.float32)),
    ]
    try:
        with torch.serialization.safe_globals(harmless), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as fault:
        if asked := re.search(r"GLOBAL ([\w.]+)", str(fault)):
            raise FormatError(
                f"{path}: this pickle asks for {asked[1]} to be run when it is read, and flowfeat runs nothing from a "
                "file; save the tensors alone"
            ) from fault
        raise FormatError(f"{path}: this is no checkpoint of plain tensors, or a damaged one") from fault
    except Exception as fault:  # torch raises what it likes on a damaged file
        raise FormatError(f"{path}: the file is damaged or cut short ({type(fault).__name__})") from fault
    if isinstance(saved, Mapping) and isinstance(saved.get("state_dict"), Mapping):
        saved = saved["state_dict"]
    if not isinstance(saved, Mapping) or not any(isinstance(value, Tensor) for value in saved.values()):
        raise FormatError(f"{path}: a checkpoint is a table of tensors, or holds one as state_dict; this does not")
    tensors: dict[str, Tensor] = {}
    for name, value in saved.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise FormatError(f"{path}: {name!r} is not a tensor")
        tensors[name] = value
    # Models that were saved from DataParallel.
    wrapped = all(name.startswith("module.") for name in tensors)
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()} if wrapped else tensors


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        header = json.loads(metadata[HEADER]) if HEADER in metadata else None
    except (SafetensorError, ValueError, OSError, RecursionError) as fault:
        raise FormatError(f"{path}: the file is damaged or cut short ({' '.join(str(fault).split())})") from fault
    if header is not None and not isinstance(header, dict):
        raise FormatError(f"{path}: its header {HEADER} is damaged")
    return tensors, header


def _read_hdf5(path: Path) -> dict[str, Tensor]:
    import h5py

    tensors: dict[str, Tensor] = {}
    try:
        with h5py.File(path, "r") as file:
            layers = file.get("data")
            for layer, blobs in layers.items() if isinstance(layers, h5py.Group) else ():
                for number, blob in blobs.items():
                    plain = isinstance(blob, h5py.Dataset) and blob.dtype.kind == "f" and blob.file == file
                    # A damaged size could ask for more memory than there is, and a made one for other files' contents.
                    if not plain or blob.external or blob.is_virtual or blob.nbytes > _length(path):
                        raise ValueError(f"{layer}/{number} is no plain array of floats")
                    tensors[f"{layer}/{number}"] = torch.from_numpy(blob[()].astype(np.float32))
    except Exception as fault:  # h5py raises what it likes on a damaged file
        raise FormatError(f"{path}: the file is damaged or cut short ({' '.join(str(fault).split())[:120]})") from fault
    if not tensors:
        raise FormatError(f"{path}: this HDF5 file has no group `data` with layers, so it is none of Caffe's networks")
    return tensors


def _claimed(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _held(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()


def _length(path: Path) -> int:
    return path.stat().st_size


def _as_float(path: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in tensors.items():
        plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
        # A few bytes can be shown as a tensor of any size.
        if not plain or tensor.is_quantized or tensor.is_complex() or _claimed(tensor) > _held(tensor):
            raise FormatError(f"{path}: {name!a} is no plain tensor of numbers")
    return {name: tensor.float().contiguous() for name, tensor in tensors.items()}
