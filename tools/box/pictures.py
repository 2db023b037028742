"""Pictures for models that see: what is to be drawn, what was, and what one costs to look at."""

import math
from collections.abc import Callable
from typing import NamedTuple

from twin.model import Network

LARGEST = (1_024, 1_024)
"""Most pixels of a picture, across and down: providers take such pictures as they are."""
SHOWN_PICTURES = 3
"""Pictures of one conversation that are shown again with a request: the newest."""

_A_TOKEN = 750  # pixels
_SQUARE, _SHORTEST, _LONGEST = 512, 768, 2_048  # pixels
_BASE, _EACH = 85, 170  # tokens


class MapView(NamedTuple):
    """A part of a network to be drawn: `utilisation` per link [m], -1 where it is unknown, and what is down."""

    network: Network
    utilisation: tuple[float, ...]
    down: tuple[str, ...]
    limit: float


class Picture(NamedTuple):
    """A PNG with its size in pixels."""

    png: bytes
    width: int
    height: int

    @property
    def tokens(self) -> int:
        """What it costs to look at, by the formula of the provider that counts more."""
        return picture_tokens(self.width, self.height)


Illustrator = Callable[[MapView], Picture]
"""Draws a map and keeps the picture with the run."""


def picture_tokens(width: int, height: int) -> int:
    """Estimate the tokens of a picture of so many pixels: the larger of two published counts.

    Anthropic (*Vision*): one token for 750 pixels. OpenAI (*Images and vision*, detail high): fitted into a square of
    2,048, then to a shortest side of 768, 85 tokens and 170 for each square of 512 that it takes.
    """
    shrunk = min(1.0, _LONGEST / max(width, height))
    shrunk *= min(1.0, _SHORTEST / (min(width, height) * shrunk))
    across, down = (math.ceil(round(side * shrunk, 6) / _SQUARE) for side in (width, height))
    return max(math.ceil(width * height / _A_TOKEN), _BASE + _EACH * across * down)


MOST_TOKENS = picture_tokens(*LARGEST)
"""Tokens of the largest picture."""
