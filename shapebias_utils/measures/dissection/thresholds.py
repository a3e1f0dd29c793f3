"""Exact thresholds that a given top fraction of very many values exceeds, in bounded memory."""

from fractions import Fraction

import torch
from torch import Tensor

from ...distributed import add

QUANTILES = ("exact", "linear", "hazen")


def position(n: int, top: float, rule: str = "exact") -> float:
    """Where among n values, counted from the largest as 0, the threshold of the `top` share lies.

    "exact": the largest value that at most the share `top` of all values exceeds. "linear":
    quantile 1 - top as numpy computes it. "hazen": the same with the values in the middle of
    their ranks, as in the sketch of NetDissect (which reads it at 994/999). ValueError for
    another rule.
    """
    share = Fraction(str(top)).limit_denominator(10**6)
    if rule not in QUANTILES:
        raise ValueError(f"unknown quantile rule {rule!r}; choose {', '.join(QUANTILES)}")
    where = {
        "exact": int(share * n),
        "linear": share * (n - 1),
        "hazen": share * n - Fraction(1, 2),
    }[rule]
    return float(min(max(where, 0), n - 1))


class RunningTop:
    """The `k` largest values of each of `units` streams, whatever the order they come in.

    Holds ``units * room`` float32; `room` is k and an eighth more.
    """

    def __init__(self, units: int, k: int, where: torch.device | str = "cpu") -> None:
        self.k, self.room = k, room(k)
        self.values = torch.full((units, self.room), -torch.inf, device=where)
        self.filled = torch.zeros(units, dtype=torch.int64, device=where)
        self.floor = torch.full((units, 1), -torch.inf, device=where)  # the k-th largest so far

    def push(self, values: Tensor) -> None:
        """Take in `values` (units, n), finite."""
        for chunk in values.split(self.room - self.k, dim=1):
            above = chunk > self.floor
            if int((self.filled + above.sum(1)).max()) > self.room:
                self._shrink()
                above = chunk > self.floor
            counts = above.sum(1)
            unit, at = above.nonzero(as_tuple=True)
            first = self.filled - (counts.cumsum(0) - counts)
            slot = first[unit] + torch.arange(len(unit), device=unit.device)
            self.values[unit, slot] = chunk[unit, at]
            self.filled += counts

    def _shrink(self) -> None:
        kept = self.values.topk(self.k, dim=1, sorted=False).values
        self.values.fill_(-torch.inf)
        self.values[:, : self.k] = kept
        self.floor = kept.amin(1, keepdim=True)
        self.filled.fill_(self.k)  # -inf, where there were fewer, is as good as nothing


def room(k: int) -> int:
    """Values a unit that :class:`RunningTop` holds for the top k."""
    return k + max(k // 8, 4096)


def thresholds(top: RunningTop, where: float) -> Tensor:
    """float32 (units,): what lies at position `where` from the top, over all processes' streams.

    Between two values interpolated in float64, then rounded down: a float32 exceeds the result
    just where it exceeds the exact threshold.
    """
    lower = int(where)
    exact = kth_largest(top.values, lower).double()
    if where > lower:
        exact += (where - lower) * (kth_largest(top.values, lower + 1).double() - exact)
    found = exact.float()
    below = torch.nextafter(found, torch.full_like(found, -torch.inf))
    return torch.where(found.double() > exact, below, found) + 0.0  # and no -0.0


def kth_largest(values: Tensor, k: int) -> Tensor:
    """The k-th largest, from 0, in each row of float32 `values` of all processes together.

    Found digit by digit of the float's bits, by counts that add up over processes: no process
    sees another's values.
    """
    step = max(1, (1 << 22) // values.shape[1])
    return torch.cat([_select(rows, k) for rows in values.split(step)])


def _select(values: Tensor, k: int) -> Tensor:
    bits = values.view(torch.int32).long()
    keys = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # in the order of the floats
    units = len(values)
    row = torch.arange(units, device=values.device)[:, None]
    left = torch.full((units,), k, device=values.device)
    prefix = torch.zeros(units, dtype=torch.int64, device=values.device)
    for shift in (24, 16, 8, 0):
        digit = (keys >> shift) - (prefix << 8)[:, None] + (128 if shift == 24 else 0)
        fits = (digit >= 0) & (digit < 256)
        flat = (row * 256 + digit)[fits]
        counts = add(torch.bincount(flat, minlength=256 * units)).to(values.device)
        reached = counts.view(units, 256).flip(1).cumsum(1)  # number with this digit or a higher
        chosen = (reached <= left[:, None]).sum(1)
        before = reached.gather(1, (chosen - 1).clamp(min=0)[:, None])[:, 0] * (chosen > 0)
        left = left - before
        prefix = (prefix << 8) + 255 - chosen - (128 if shift == 24 else 0)
    bits = torch.where(prefix < 0, prefix ^ 0x7FFFFFFF, prefix)
    return bits.int().view(torch.float32)
