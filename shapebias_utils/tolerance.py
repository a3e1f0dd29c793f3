"""When two computations of one thing agree: one rule for notebooks' outputs and figures' values.

Another CPU rounds differently in the seventh digit. That moves a decision where two categories are
nearly as probable, and then a count by one or a few of hundreds, a share by a few thousandths.
"""

from math import isclose, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

RELATIVE = 0.02
"""Share by which two numbers may differ."""

SMALL = 0.001
"""What may also change in a table's numbers, near 0 too: less than per cent show in their last
digit. Whole numbers may not, so that counts below 50 are the same."""


def close(old: float, new: float, absolute: float = 0.0) -> bool:
    """Whether two numbers differ by at most 2 % of the larger one, or by `absolute`."""
    hair = 1 + 1e-9  # since 0.35 - 0.33 is not 0.02 in binary
    return isclose(old, new, rel_tol=RELATIVE * hair, abs_tol=absolute * hair)


def same_values(old: "pd.DataFrame", new: "pd.DataFrame") -> bool:
    """Whether two tables, read from CSV, say the same.

    They have the same columns and as many rows, the same text, gaps in the same places, and
    numbers that are :func:`close`; those that are not whole may also differ by `SMALL`.
    Whole numbers follow the rule for counts also where they number channels: a channel of another
    number brings another name, concept or image along, which are text.
    """
    if list(old.columns) != list(new.columns) or len(old) != len(new):
        return False
    return all(_same_column(old[name], new[name]) for name in old)


def _same_column(old: "pd.Series", new: "pd.Series") -> bool:
    kinds = old.dtype.kind + new.dtype.kind
    if not set(kinds) <= set("biuf"):
        return old.equals(new)
    absolute = SMALL if "f" in kinds else 0.0
    pairs = zip(old.astype(float), new.astype(float), strict=True)
    return all(close(a, b, absolute) or (isnan(a) and isnan(b)) for a, b in pairs)
