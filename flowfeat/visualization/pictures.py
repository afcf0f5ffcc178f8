"""Pictures for people: captioned flow, contact sheets and overlays. Images are RGB, uint8, h w 3."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image, ImageDraw

from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError
from flowfeat.visualization._captions import cut, key_rows, line_height, wrapped, write_key, write_lines
from flowfeat.visualization.colour_wheel import (
    colour_wheel,
    displacement_scale,
    fill_unknown,
    flow_to_colour,
)

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_INK = (34, 34, 34)
_FAINT_INK = (90, 90, 90)
_RULE = (200, 200, 200)  # edges a picture whose border is white, as still flow is
_MIN_STRIP = 320  # pixels, for the text to fit in a few lines


@dataclass(frozen=True)
class Panel:
    """One cell of a contact sheet.

    Attributes:
        image: RGB.
        caption: under it.
        key: under the caption, what colours in the image mean: each as RGB in 0..255 and its words.
    """

    image: UInt8[np.ndarray, "h w 3"] = field(repr=False)
    caption: str = ""
    key: tuple[tuple[tuple[int, int, int], str], ...] = field(default=(), repr=False)


def flow_picture(
    flow: Float32[np.ndarray, "2 h w"],
    valid: Bool[np.ndarray, "h w"] | None = None,
    max_displacement: float | None = None,
    caption: str = "",
) -> UInt8[np.ndarray, "H W 3"]:
    """Colour-coded flow over a strip with the wheel, the caption and the normalisation in words.

    Args:
        flow: (u, v) in pixels, u to the right, v down; any value where it is unknown.
        valid: true where the flow is known; everywhere if not given. Unknown pixels show the nearest known
            flow, greyed and hatched so that nobody takes them for truth, and the strip says so.
        max_displacement: pixels shown in full colour; `displacement_scale` if not given.
        caption: the first line of the strip.

    Returns:
        The picture, taller than the flow by the strip; at least 320 pixels wide.

    Raises:
        InputError: no pixel is known, known flow is not finite, or `max_displacement` is not positive.
    """
    panel = flow_panel(flow, valid, max_displacement, caption)
    height, width = panel.image.shape[:2]
    canvas_width = max(_MIN_STRIP, width)
    size = int(np.clip(canvas_width / 36, 12, 40))
    margin, wheel = size // 2, 4 * size
    text_left = wheel + 3 * margin
    lines = wrapped(panel.caption, size, canvas_width - text_left - margin)
    strip = max(wheel, len(lines) * line_height(size)) + 2 * margin
    canvas = Image.new("RGB", (canvas_width, height + strip), "white")
    canvas.paste(Image.fromarray(panel.image), ((canvas_width - width) // 2, 0))
    ImageDraw.Draw(canvas).line([0, height, canvas_width, height], fill=_RULE)
    canvas.paste(Image.fromarray(colour_wheel(wheel)), (margin, height + (strip - wheel) // 2))
    top = height + (strip - len(lines) * line_height(size)) // 2
    write_lines(canvas, (text_left, top), lines, size, _INK)
    return np.array(canvas)


def flow_panel(
    flow: Float32[np.ndarray, "2 h w"],
    valid: Bool[np.ndarray, "h w"] | None = None,
    max_displacement: float | None = None,
    caption: str = "",
) -> Panel:
    """`flow_picture` for a contact sheet: no strip, the normalisation stands in the panel's caption."""
    if max_displacement is None:
        max_displacement = displacement_scale(flow, valid)
    lines = [caption] if caption else []
    lines.append(f"full colour = {max_displacement:.3g} px, darker beyond")
    if valid is None or valid.all():
        return Panel(flow_to_colour(flow, max_displacement), "\n".join(lines))
    image = flow_to_colour(fill_unknown(flow, valid), max_displacement)
    lines.append(f"sparse truth, interpolated where unknown ({_percent(valid)} known)")
    # Half-way to grey, channels lie in 40..191. A known pixel has one at 255, or, darkened, one at 0.
    # The stripes are for those who do not see that at a glance.
    y, x = np.indices(valid.shape)
    stripe = (x + y) % 8 < 2
    grey = np.where(stripe, 80, 128)[..., None]
    image = np.where(valid[..., None], image, (image + grey) // 2).astype(np.uint8)
    return Panel(image, "\n".join(lines))


def contact_sheet(
    rows: Sequence[Sequence[Panel]], caption: str = "", panel_width: int = 320, caption_lines: int | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Panels in a grid, each scaled to `panel_width` pixels with its caption and its key below it.

    Rows may differ in length; a short one leaves its last cells empty. `caption` heads the sheet. The captions of
    panels take the lines that they need; with `caption_lines` each takes as many, and a longer one is cut, so that the
    sheets of a movie are of one size whatever their panels say.

    Raises:
        InputError: there is no panel, or `panel_width` is below 40.
    """
    if not any(rows):
        raise InputError("a contact sheet needs at least one panel")
    if panel_width < 40:
        raise InputError(f"panel_width must be at least 40 pixels, not {panel_width}")
    size, title_size = max(10, panel_width // 23), max(12, panel_width // 17)
    margin = max(6, panel_width // 20)
    width = margin + max(len(row) for row in rows) * (panel_width + margin)
    title = wrapped(caption, title_size, width - 2 * margin)

    cells = [
        [
            (
                _scaled(panel.image, panel_width),
                cut(wrapped(panel.caption, size, panel_width), caption_lines),
                key_rows(panel.key, size, panel_width),
            )
            for panel in row
        ]
        for row in rows
    ]
    image_heights = [max((image.height for image, *_ in row), default=0) for row in cells]
    lines = [max((len(text) + len(key) for _, text, key in row), default=0) for row in cells]
    text_heights = [count * line_height(size) for count in lines]
    top = margin + (len(title) * line_height(title_size) + margin // 2 if title else 0)
    gap = margin // 3  # between an image and its caption
    height = top + sum(image_heights) + sum(text_heights) + len(rows) * (gap + margin)

    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    write_lines(sheet, (margin, margin), title, title_size, _INK)
    for row, image_height, text_height in zip(cells, image_heights, text_heights, strict=True):
        for column, (image, text, key) in enumerate(row):
            left = margin + column * (panel_width + margin)
            draw.rectangle([left - 1, top - 1, left + image.width, top + image.height], outline=_RULE)
            sheet.paste(image, (left, top))
            below = top + image.height + gap
            write_lines(sheet, (left, below), text, size, _FAINT_INK)
            write_key(sheet, (left, below + len(text) * line_height(size)), key, size, _FAINT_INK)
        top += image_height + text_height + gap + margin
    return np.array(sheet)


def overlay(
    frame: UInt8[np.ndarray, "h w 3"],
    flow: Float32[np.ndarray, "2 h w"],
    max_displacement: float,
    opacity: float = 0.6,
) -> UInt8[np.ndarray, "h w 3"]:
    """Flow colours over the greyed frame, and arrows on a grid, each as long as its displacement in pixels.

    Args:
        frame: RGB.
        flow: (u, v) in pixels, u to the right, v down, known everywhere.
        max_displacement: pixels shown in full colour and with full `opacity`; less motion is fainter.
        opacity: 0..1.

    Raises:
        InputError: `opacity` is outside 0..1, `max_displacement` is not positive, or flow is not finite.
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity must be between 0 and 1, not {opacity}")
    colour = flow_to_colour(flow, max_displacement)
    grey = np.array(Image.fromarray(frame).convert("L"))[..., None]
    displacement = np.hypot(*flow.astype(np.float64))
    alpha = opacity * np.clip(displacement / max_displacement, 0, 1)[..., None]
    blend = np.rint((1 - alpha) * grey + alpha * colour).astype(np.uint8)
    picture = Image.fromarray(blend)
    # A pale rim keeps the arrows readable on dark ground.
    picture.paste((255, 255, 255), mask=_arrows(flow, 3.0).point(lambda level: level * 0.7))
    picture.paste((0, 0, 0), mask=_arrows(flow, 1.2))
    return np.array(picture)


def check_picture_ending(path: Path) -> None:
    """Raises InputError where `save_picture` could not write under this name."""
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{path}: a picture's name must end in {', '.join(_FORMATS)}")


def save_picture(path: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write an RGB image as .png or .jpg, whole or not at all.

    Raises:
        InputError: the ending is neither .png nor .jpg.
    """
    check_picture_ending(path)
    kind = _FORMATS[path.suffix.lower()]
    data = io.BytesIO()
    # Half-resolution chroma would smear the colours that carry the meaning; Pillow ignores both for PNG.
    Image.fromarray(image).save(data, format=kind, quality=92, subsampling=0)
    write_atomically(path, data.getvalue())


def _percent(known: Bool[np.ndarray, "h w"]) -> str:
    # Rounded down: sparse truth must never read "100%".
    tenths = 1000 * int(known.sum()) // known.size
    return f"{tenths / 10:g}%" if tenths else "under 0.1%"


def _arrows(flow: Float32[np.ndarray, "2 h w"], thickness: float) -> Image.Image:
    """A mask (mode L) of arrows; `thickness` in pixels."""
    height, width = flow.shape[1:]
    fine = 3  # drawn larger and scaled down, for smooth lines
    step = int(np.clip(min(height, width) / 20, 16, 24))
    stroke = round(thickness * fine)
    mask = Image.new("L", (width * fine, height * fine))
    draw = ImageDraw.Draw(mask)
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            vector = flow[:, y, x].astype(np.float64)
            length = float(np.hypot(*vector))
            if length < 1:
                continue
            # Past the border nothing shows, and Pillow would walk every pixel of a line to infinity.
            vector *= min(1.0, (height + width) / length)
            tail = (np.array([x, y]) + 0.5) * fine
            tip = tail + vector * fine
            draw.line([*tail, *tip], fill=255, width=stroke)
            if length < 2:  # a head would only make it a blob
                continue
            head = min(4.0, length / 2) * fine * vector / np.hypot(*vector)
            for side in (-0.5, 0.5):
                barb = tip - head + side * np.array([-head[1], head[0]])
                draw.line([*tip, *barb], fill=255, width=stroke)
    return mask.resize((width, height), Image.Resampling.BOX)


def _scaled(image: UInt8[np.ndarray, "h w 3"], width: int) -> Image.Image:
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
