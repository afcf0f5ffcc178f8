"""Captions in Pillow's own font, so that no font has to be installed."""

import unicodedata
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


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
