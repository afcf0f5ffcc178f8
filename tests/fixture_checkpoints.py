"""Checkpoint files of every family, written from the oracle's weights as the families' own tools write them."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from oracle import folder, recipe

ENDINGS = {"nv": ".pth.tar", "mm": ".pth", "lmb": ".caffemodel"}


def oracle_weights(data: Path, model: str) -> dict[str, np.ndarray]:
    """The oracle's weights of `model`, as in `keys_<model>.json`, with the means it used for Caffe's networks."""
    source = recipe(data)
    shapes = json.loads((folder(data) / f"keys/keys_{model}.json").read_text())
    weights = source.state_dict(shapes)
    for name in weights:
        if name.endswith("_aug/2"):
            weights[name] = np.array(source.CAFFE_MEAN_BGR, np.float32).reshape(1, 3, 1, 1)
    return weights


def small_weights(data: Path, model: str, divisor: int = 32) -> dict[str, np.ndarray]:
    """Weights of `model` at 1/`divisor` of its width, under the same names: small files for tests of formats."""
    source = recipe(data)
    shapes = json.loads((folder(data) / f"keys/keys_{model}.json").read_text())
    sums = _joined_channels(divisor)
    smaller = {
        name: [sums.get(side, side if side < 16 or side == 441 else max(1, side // divisor)) for side in shape]
        for name, shape in shapes.items()
    }
    for name, shape in smaller.items():
        if shapes[name][2:]:
            shape[2:] = shapes[name][2:]
    return source.state_dict(smaller)


def _joined_channels(divisor: int) -> dict[int, int]:
    """Layers that read several others joined have sums of channels."""
    parts = {
        473: (32, 441), 1026: (512, 512, 2), 770: (512, 256, 2), 386: (256, 128, 2), 194: (128, 64, 2),
        162: (128, 32, 2), 82: (64, 16, 2),
    }  # fmt: skip
    return {whole: sum(c if c in (2, 441) else max(1, c // divisor) for c in each) for whole, each in parts.items()}


def write_pickle(path: Path, weights: dict[str, np.ndarray], **extra: object) -> Path:
    """As torch.save writes a trainer's dictionary."""
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    torch.save({**extra, "state_dict": state}, path)
    return path


def write_caffemodel(path: Path, blobs: dict[str, np.ndarray]) -> Path:
    """As Caffe writes a NetParameter."""
    path.write_bytes(_field(1, b"FlowNet") + b"".join(_field(100, layer) for layer in _layers(blobs)))
    return path


def _layers(blobs: dict[str, np.ndarray]) -> Iterator[bytes]:
    for layer in dict.fromkeys(name.rpartition("/")[0] for name in blobs):
        found = {int(name.rpartition("/")[2]): array for name, array in blobs.items() if name.startswith(f"{layer}/")}
        message = _field(1, layer.encode()) + _field(2, b"Convolution")
        for number in range(max(found) + 1):
            # The data layers also hold an iteration count and a mean picture, which nobody reads.
            array = found.get(number, np.ones((1, 1, 1, 1), np.float32))
            shape = b"".join(_varint(side) for side in array.shape)
            message += _field(7, _field(5, array.astype("<f4").tobytes()) + _field(7, _field(1, shape)))
        yield message


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + struct.pack("B", value & 127 | 128), value >> 7
    return out + struct.pack("B", value)


def write_hdf5(path: Path, blobs: dict[str, np.ndarray]) -> Path:
    """As Caffe writes an HDF5 snapshot."""
    import h5py

    with h5py.File(path, "w", libver="earliest") as file:
        for name, array in blobs.items():
            file.create_dataset(f"data/{name}", data=array)
    return path
