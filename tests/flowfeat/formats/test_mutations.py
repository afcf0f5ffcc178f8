"""Damaged files: a thousand of each format, seeded, each a result or one sentence, and none costs memory."""

import random
import re
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from flowfeat.errors import FormatError
from flowfeat.formats import FLOW_ENDINGS, FlowField, read_flow, write_flow

EXTREMES = (0, 1, -1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, -0x80000000, 0xFFFFFFFF, 0x20000000)
MIB = 1 << 20


def _original(path: Path) -> bytes:
    rng = np.random.default_rng(0)
    write_flow(path, rng.normal(size=(2, 13, 17)).astype(np.float32), rng.random((13, 17)) < 0.9)
    return path.read_bytes()


def _mutated(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        # Half of the damage goes where the headers are.
        at = rng.randrange(max(1, min(len(changed), 100) if rng.random() < 0.5 else len(changed)))
        kind = rng.choice(("flip", "truncate", "delete", "insert", "integer", "digits"))
        if kind == "flip" and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == "truncate":
            del changed[at:]
        elif kind == "delete":
            del changed[at : at + rng.choice((1, 2, 4, 8, 100))]
        elif kind == "insert":
            changed[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8, 100)))
        elif kind == "integer":
            changed[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.choice(EXTREMES) & 0xFFFFFFFF)
        else:
            numbers = list(re.finditer(rb"\d+", bytes(changed[:128])))
            if numbers:
                start, end = rng.choice(numbers).span()
                changed[start:end] = str(rng.choice(EXTREMES) * rng.choice((1, 1, 10**30))).encode()
    return bytes(changed)


def _with_checksums(png: bytes) -> bytes:
    """The same chunks with checksums that match, so that damage reaches what lies behind them."""
    mended, start = bytearray(png), 8
    while start + 12 <= len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4], "big")
        if end > len(png):
            break
        mended[end - 4 : end] = struct.pack(">I", zlib.crc32(png[start + 4 : end - 4]))
        start = end
    return bytes(mended)


@pytest.mark.parametrize("ending", FLOW_ENDINGS)
def test_a_thousand_damaged_files_give_a_result_or_one_sentence(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    original = _original(path)
    read_flow(path)
    read, refused = 0, {}
    tracemalloc.start()
    try:
        for seed in range(1000):
            rng = random.Random(seed)
            content = _mutated(original, rng)
            if ending == ".png" and seed % 2:
                content = _with_checksums(content)
            # Truncating a file that was just written takes 1.5 ms on ext4; a new one takes 0.1 ms.
            path.unlink()
            path.write_bytes(content)
            try:
                field = read_flow(path)
            except FormatError as error:
                refused[seed] = str(error)
            else:
                read += 1
                assert isinstance(field, FlowField), seed
                assert np.isfinite(field.flow).all(), seed
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for seed, message in refused.items():
        assert message.startswith(f"{path}: "), seed
        assert "\n" not in message, seed
        assert len(message) < len(str(path)) + 500, seed
    assert read + len(refused) == 1000
    assert len(refused) > 500
    # Some damage changes only samples. Of a PNG, that is damage to metadata and to nothing else.
    assert read > (0 if ending == ".png" else 50)
    assert peak < 4 * MIB


def _forged(ending: str, width: int, height: int) -> bytes:
    """A header of this size and next to nothing after it."""
    if ending == ".flo":
        return b"PIEH" + struct.pack("<II", width, height) + bytes(64)
    if ending == ".pfm":
        return f"PF\n{width} {height}\n-1.0\n".encode() + bytes(64)
    if ending == ".npy":
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (2, {height}, {width}), }}\n".encode()
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(64)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


CHILD = """
import sys
from pathlib import Path
from flowfeat.errors import FormatError
from flowfeat.formats import read_flow

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmPeak"))

for path in sorted(Path(sys.argv[1]).glob("good*")):
    read_flow(path)
before = peak()
refused = 0
for path in sorted(Path(sys.argv[1]).glob("forged*")):
    try:
        read_flow(path)
    except FormatError:
        refused += 1
print(refused, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_forged_sizes_are_refused_without_even_reserving_memory(tmp_path):
    sizes = [(w, h) for w in (1, 11000, 2**16, 2**31 - 1, 2**32 - 1) for h in (11000, 2**20, 2**32 - 1)]
    for ending in FLOW_ENDINGS:
        _original(tmp_path / f"good{ending}")
        for number, (width, height) in enumerate(sizes):
            (tmp_path / f"forged{number}{ending}").write_bytes(_forged(ending, width, height))
    done = subprocess.run([sys.executable, "-c", CHILD, tmp_path], capture_output=True, text=True, check=True)
    refused, kibibytes = map(int, done.stdout.split())
    assert refused == len(FLOW_ENDINGS) * len(sizes)
    # The smallest of these, 1 x 11000, asks for 0.1 MiB; 11000 x 11000 asks for 923 MiB.
    assert kibibytes < 64 * 1024
