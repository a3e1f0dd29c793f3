"""When two runs on different machines have given the same numbers, and the same picture.

One rule for two uses: nbval compares what cells print, and figures are written anew only where
their values or what they look like have moved.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RELATIVE = 0.02
"""Share by which two numbers may differ; see `agree`."""

ABSOLUTE = {0: 0.0, 1: 0.3}
"""Decimals shown -> difference that is allowed also where it is a larger share; see `agree`."""

ABSOLUTE_OTHERWISE = 0.02

ABSOLUTE_STORED = 0.005
"""The same for the values of a table, which are not rounded for a reader."""

MOST_RMS = 2.0
"""Largest RMS difference of two figures, of 255. The same code gives 0, lines a tenth wider about
1, another colour of a few lines 18."""

# No part of a name ("conv1", "ResNet-50"), a file name, a version or a length ("640px").
NUMBER = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)"
)


def agree(stored: str, computed: str) -> bool:
    """Whether two numbers, as they are printed, are the same measurement.

    That is: they differ by at most 2 %, or by 0.02, or, if printed with one decimal (per cent), by
    0.3. Whole numbers and those in scientific notation may differ by 2 % only, so that counts
    below 50 are the same. Another CPU rounds differently in the seventh digit; that moves a
    decision where two categories are nearly as probable, and then a count by one or a few of
    hundreds, a share by a few thousandths.
    """
    old, new = (float(text.replace(",", "").replace("\u2212", "-")) for text in (stored, computed))
    decimals = max(len(text.partition(".")[2]) for text in (stored, computed))
    allowed = ABSOLUTE.get(decimals, ABSOLUTE_OTHERWISE)
    if "e" in (stored + computed).lower():
        allowed = 0.0
    return _close(old, new, allowed)


def _close(old: float, new: float, allowed: float) -> bool:
    # A hair more, since 0.35 - 0.33 is not 0.02 in binary.
    return abs(old - new) <= max(allowed, RELATIVE * max(abs(old), abs(new))) * (1 + 1e-9)


def same_values(stored: str, computed: str) -> bool:
    """Whether two tables, as the text of CSV files, hold the same values, row by row.

    Numbers may differ by 2 %, or by 0.005 if they are not whole; everything else is equal.
    """
    tables = [list(csv.reader(io.StringIO(text))) for text in (stored, computed)]
    if [len(row) for row in tables[0]] != [len(row) for row in tables[1]]:
        return False
    return all(
        _same_cell(a, b)
        for old, new in zip(*tables, strict=True)
        for a, b in zip(old, new, strict=True)
    )


def _same_cell(stored: str, computed: str) -> bool:
    if stored == computed:
        return True
    try:
        old, new = float(stored), float(computed)
    except ValueError:
        return False
    whole = old.is_integer() and new.is_integer()
    return _close(old, new, 0.0 if whole else ABSOLUTE_STORED)


def figure_difference(stored: bytes, computed: bytes) -> str:
    """What tells two pictures (bytes of image files) apart, "" where they look the same.

    They do with the same size and an RMS difference of at most 2 of 255.
    """
    import numpy as np

    old, new = _pixels(stored), _pixels(computed)
    if old.shape != new.shape:  # another layout: labels, legend or panels
        sizes: Sequence[str] = [f"{a.shape[1]} x {a.shape[0]}" for a in (new, old)]
        return f"a figure of {sizes[0]} pixels, stored is {sizes[1]}"
    rms = float(np.sqrt(np.mean((old - new) ** 2)))
    if rms <= MOST_RMS:
        return ""
    return f"the figures differ by {rms:.1f} RMS of 255; at most {MOST_RMS:g} is allowed"


def _pixels(encoded: bytes) -> "np.ndarray":
    """RGB (H, W, 3) in [0, 255], what is transparent on white."""
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(encoded)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"), float)
