"""Captions in Pillow's own font, so that no font has to be installed."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

# Pillow's font draws ASCII alone and boxes for the rest; these have no decomposition to fall back on.
_PLAIN = str.maketrans({"×": "x", "–": "-", "—": "-", "−": "-", "’": "'", "“": '"', "”": '"', "ß": "ss"})


def line_height(size: int) -> int:
    """Pixels from one line of text to the next."""
    return round(size * 1.3)


def write_lines(
    canvas: Image.Image, corner: tuple[int, int], lines: list[str], size: int, ink: tuple[int, int, int]
) -> None:
    """Draw lines from `wrapped`; `corner` is the top left one, (x, y)."""
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((corner[0], corner[1] + number * line_height(size)), line, fill=ink, font=_font(size))


def wrapped(text: str, size: int, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels, accents dropped; a word that is wider is cut."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    lines = []
    for paragraph in bare.encode("ascii", "replace").decode().splitlines():
        line = ""
        for word in paragraph.split():
            joined = f"{line} {word}".lstrip()
            if _font(size).getlength(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            line = ""
            for letter in word:
                if line and _font(size).getlength(line + letter) > width:
                    lines.append(line)
                    line = ""
                line += letter
        lines.append(line)
    return lines


def cut(lines: list[str], count: int | None) -> list[str]:
    """Exactly `count` lines, empty ones added or the last that fits ended in dots; all as they are for None."""
    if count is None:
        return lines
    if len(lines) > count > 0:
        return [*lines[: count - 1], lines[count - 1][:-3] + "..."]
    return (lines + [""] * count)[:count]


KeyRow = list[tuple[int, tuple[int, int, int], str]]
"""Where each entry begins, its colour, its words."""


def key_rows(key: Sequence[tuple[tuple[int, int, int], str]], size: int, width: int) -> list[KeyRow]:
    """Entries of a key side by side, in rows of at most `width` pixels; words that are wider have their row alone."""
    rows: list[KeyRow] = []
    left = width
    for colour, text in key:
        words = " ".join(wrapped(text, size, width))
        needed = round(size * 1.2 + _font(size).getlength(words))
        if not rows or left + needed > width:
            rows.append([])
            left = 0
        rows[-1].append((left, colour, words))
        left += needed + round(size * 0.6)
    return rows


def write_key(
    canvas: Image.Image, corner: tuple[int, int], rows: list[KeyRow], size: int, ink: tuple[int, int, int]
) -> None:
    """Draw rows from `key_rows`: a square of each colour before its words."""
    draw = ImageDraw.Draw(canvas)
    for number, row in enumerate(rows):
        top = corner[1] + number * line_height(size)
        for offset, colour, words in row:
            left, side = corner[0] + offset, round(size * 0.8)
            box = (left, top + (line_height(size) - side) // 2, left + side, top + (line_height(size) + side) // 2)
            draw.rectangle(box, fill=colour, outline=ink)
            draw.text((left + round(size * 1.2), top), words, fill=ink, font=_font(size))


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
