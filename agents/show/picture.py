"""The map of the report as a PNG, for models that see: the same geometry, drawn by Pillow.

The same network and loads give the same bytes. Names are text from outside: cleaned, cut short, and letters all the
same, whatever they say.
"""

import io
import math
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tools.box.pictures import LARGEST, Illustrator, MapView, Picture
from tools.maps import PICTURES, file_of
from twin.errors import InputError, StoreError
from twin.files import write_bytes
from twin.untrusted import clean

from .report.labels import Label
from .report.map import Drawing, HalfLink, Look, draw

_FINE = 2  # drawn larger by this, then made smaller, so that slanted lines are smooth
_PAPER, _INK, _DOWN = "#ffffff", "#1b1e21", "#8a8f94"
_BROKEN = {"b4": (7.0, 2.5), "b5": (4.0, 2.0), "down": (1.5, 4.0)}  # pixels drawn, pixels not
_STATES = {"up": _PAPER, "drained": _DOWN, "down": "#d63b2f"}
_DOT, _TEXT = 4.2, 11.0
_LETTERS = 24  # of a name


def illustrator(folder: Path) -> Illustrator:
    """Return what draws maps and keeps them in a run's folder."""

    def illustrate(view: MapView) -> Picture:
        picture = paint(view)
        path = folder / file_of(picture.png)
        try:
            path.parent.mkdir(exist_ok=True)
            write_bytes(path, picture.png, below=folder)
        except (OSError, InputError) as error:
            raise StoreError(f"cannot keep {PICTURES} of the run: {error}", fix="free some space") from error
        return picture

    return illustrate


def paint(view: MapView) -> Picture:
    """Draw a map: half-links by load and capacity, what is down, names where there is room."""
    drawing = draw(view.network, Look("", view.utilisation, down=view.down, limit=view.limit))
    size = (round(drawing.width * _FINE), round(drawing.height * _FINE))
    image = Image.new("RGB", size, _PAPER)
    _paint(ImageDraw.Draw(image), drawing)
    scale = min(1.0, LARGEST[0] / drawing.width, LARGEST[1] / drawing.height)
    width, height = max(1, int(drawing.width * scale)), max(1, int(drawing.height * scale))
    small = image.resize((width, height), Image.Resampling.BOX).quantize(64, dither=Image.Dither.NONE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=False, compress_level=9)
    return Picture(written.getvalue(), width, height)


def _paint(on: ImageDraw.ImageDraw, drawing: Drawing) -> None:
    for half in drawing.halves:
        _paint_half(on, half)
    for dot in drawing.dots:
        box = tuple(_FINE * x for x in (dot.x - _DOT, dot.y - _DOT, dot.x + _DOT, dot.y + _DOT))
        on.ellipse(box, fill=_STATES.get(dot.state, _PAPER), outline=_INK, width=3)
    font = ImageFont.load_default(size=_TEXT * _FINE)
    for label in (*drawing.names, *drawing.figures):
        _letter(on, label, font)


def _paint_half(on: ImageDraw.ImageDraw, half: HalfLink) -> None:
    colour, width = _colours()[half.band], round((2.0 if half.band == "down" else half.width) * _FINE)
    for x1, y1, x2, y2 in _strokes(half):
        on.line((x1 * _FINE, y1 * _FINE, x2 * _FINE, y2 * _FINE), fill=colour, width=width)
    if half.band != "down":
        corners = [tuple(float(x) * _FINE for x in corner.split(",")) for corner in half.arrow.split()]
        on.polygon([(x, y) for x, y in corners], fill=colour)


@cache
def _colours() -> dict[str, str]:
    """Colours of the bands of load, as the report's style sheet has them for light screens, which come first in it."""
    sheet = (files("agents") / "show" / "templates" / "style.css").read_text(encoding="utf-8")
    return dict(reversed(re.findall(r"--(b\d|down|unknown):(#[0-9a-f]{6})", sheet)))


def _strokes(half: HalfLink) -> Iterator[tuple[float, float, float, float]]:
    """The line of a half-link, in pieces where its band is broken."""
    x, y, length = half.x2 - half.x1, half.y2 - half.y1, math.hypot(half.x2 - half.x1, half.y2 - half.y1)
    drawn, gap = _BROKEN.get(half.band, (length, 0.0))
    at = 0.0
    while at < length:
        end = min(at + drawn, length)
        near, far = at / length, end / length
        yield (half.x1 + x * near, half.y1 + y * near, half.x1 + x * far, half.y1 + y * far)
        at = end + gap


def _letter(on: ImageDraw.ImageDraw, label: Label, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[label.anchor]
    on.text((label.x * _FINE, label.y * _FINE), clean(label.text, _LETTERS), fill=_INK, font=font, anchor=anchor)
