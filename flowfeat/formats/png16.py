"""16-bit RGB PNG (ISO/IEC 15948), which Pillow reads as 8 bits and neither it nor torchvision writes.

torchvision's `decode_png` reads it, but a damaged file ends the process: any libpng error is a segmentation
fault (0.29.2: a wrong checksum, deflate stream or filter). PyAV decodes it too and says nothing of missing
rows. So the chunks and the deflate stream are checked here, and PyAV only undoes the row filters.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt16

from flowfeat.errors import FormatError
from flowfeat.formats.field import check_size

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IHDR = b"\x00\x00\x00\x0dIHDR"
# Deflate shrinks at most 1032 times (https://zlib.net/zlib_tech.html).
_MOST_SHRINKAGE = 1100
# Six bytes a pixel before compression; well beyond that, a file is not what its header says.
_MOST_BYTES_A_PIXEL, _MOST_METADATA = 12, 1 << 20
_UP, _HIGHEST_FILTER = 2, 4


def read_rgb16(path: Path) -> UInt16[np.ndarray, "h w 3"]:
    """The pixels of a 16-bit RGB PNG, not interlaced.

    Raises:
        FormatError: not such a file, damaged, or its size and its length do not go together.
        OSError: the file is missing or cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(33)
        width, height = _size(path, head)
        length = os.fstat(file.fileno()).st_size
        most = _MOST_BYTES_A_PIXEL * width * height + _MOST_METADATA
        if 6 * width * height > _MOST_SHRINKAGE * length or length > most:
            raise FormatError(
                f"{path}: the header promises {width} x {height} pixels, which {length} bytes cannot hold"
            )
        deflated = _image_data(path, head + file.read())
    rows = _inflated(path, deflated, width=width, height=height)
    return _decoded(path, rows, width=width, height=height)


def encode_rgb16(pixels: UInt16[np.ndarray, "h w 3"]) -> bytes:
    """A PNG file of these pixels."""
    height, width, _ = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, 6 * width)
    filtered = np.empty((height, 1 + 6 * width), dtype=np.uint8)
    # On Middlebury's true flow, "Up" gives files 4 to 15 % smaller than "Sub" and about as small as "Paeth".
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return _file(width, height, zlib.compress(filtered.tobytes(), 6))


def _size(path: Path, head: bytes) -> tuple[int, int]:
    """Width and height from the first 33 bytes, which end with the IHDR chunk."""
    if head[:8] != _SIGNATURE:
        raise FormatError(f"{path}: not a PNG file: expected {_SIGNATURE} first, got {head[:8]}")
    if len(head) < 33 or head[8:16] != _IHDR:
        raise FormatError(f"{path}: the PNG is cut short or damaged: expected an IHDR chunk, got {head[8:16]}")
    width, height, depth, colour, compression, method, interlaced = struct.unpack(">IIBBBBB", head[16:29])
    if (depth, colour, compression, method, interlaced) != (16, 2, 0, 0, 0):
        raise FormatError(
            f"{path}: not KITTI flow: expected a 16-bit RGB PNG (depth 16, colour type 2, not interlaced), "
            f"got depth {depth}, colour type {colour}, interlacing {interlaced}"
        )
    check_size(path, width=width, height=height)
    return width, height


def _image_data(path: Path, data: bytes) -> bytes:
    """The deflate stream of the image, after every chunk's checksum has been compared."""
    parts = []
    kind, start = b"", len(_SIGNATURE)
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, start) if start + 8 <= len(data) else (0, b"")
        end = start + 12 + length
        if end > len(data) or not kind:
            raise FormatError(f"{path}: the PNG is cut short: expected a chunk IEND at its end; copy it again")
        body = data[start + 8 : end - 4]
        if zlib.crc32(kind + body) != int.from_bytes(data[end - 4 : end], "big"):
            raise FormatError(f"{path}: the PNG is damaged: chunk {kind} does not match its checksum; copy it again")
        if kind == b"IDAT":
            parts.append(body)
        start = end
    if start != len(data):
        raise FormatError(f"{path}: expected the PNG to end after {start} bytes, but it has {len(data)}")
    return b"".join(parts)


def _inflated(path: Path, deflated: bytes, *, width: int, height: int) -> bytes:
    """The filtered rows, exactly as many as the header promises."""
    expected = height * (1 + 6 * width)
    stream = zlib.decompressobj()
    try:
        # One byte more than expected, so that a longer stream shows without being inflated.
        rows = stream.decompress(deflated, expected + 1)
    except zlib.error as error:
        raise FormatError(f"{path}: the PNG is damaged: its image data cannot be inflated ({error})") from error
    if len(rows) != expected or not stream.eof:
        raise FormatError(
            f"{path}: the PNG is damaged: {width} x {height} pixels need {expected} bytes of image data, it "
            f"has {'more' if len(rows) > expected else 'fewer'}"
        )
    highest = max(rows[:: 1 + 6 * width])
    if highest > _HIGHEST_FILTER:
        raise FormatError(f"{path}: the PNG is damaged: expected row filters 0 to 4, got {highest}")
    return rows


def _decoded(path: Path, rows: bytes, *, width: int, height: int) -> UInt16[np.ndarray, "h w 3"]:
    import av
    from av.error import FFmpegError

    # A file of the checked rows and nothing else: metadata such as tRNS would change the pixels' format.
    packet = av.Packet(_file(width, height, zlib.compress(rows, 0)))
    try:
        codec = av.CodecContext.create("png", "r")
        frames = [*codec.decode(packet), *codec.decode(None)]
        pixels = frames[0].to_ndarray()
    except (FFmpegError, IndexError, ValueError) as error:
        raise FormatError(f"{path}: the PNG of {width} x {height} pixels cannot be decoded ({error})") from error
    if pixels.dtype != np.uint16 or pixels.shape != (height, width, 3):
        raise FormatError(f"{path}: expected uint16 {(height, width, 3)}, got {pixels.dtype} {pixels.shape}")
    return pixels


def _file(width: int, height: int, deflated: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", deflated), (b"IEND", b""))
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
