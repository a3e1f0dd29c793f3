"""What the benchmarks share: how a time is taken, and what a row is."""

import time
from collections.abc import Callable


def seconds(
    work: Callable[[], object], repeats: int = 3, clock: Callable[[], float] = time.process_time
) -> tuple[float, object]:
    """Processor time of the fastest of some runs (of the clock on a GPU) after one that warms up,
    and what the work returns."""
    import torch

    gpu = torch.cuda.is_available()
    clock = time.perf_counter if gpu else clock
    result, best = work(), float("inf")
    for _ in range(repeats):
        began = clock()
        result = work()
        if gpu:
            torch.cuda.synchronize()
        best = min(best, clock() - began)
    return best, result


def row(
    case: str,
    against: str,
    ours: float,
    other: float | None,
    target: float | None = None,
    note: str = "",
) -> dict:
    """A row of the table: times in seconds, and how many times faster ours is."""
    ratio = None if other is None else other / ours
    return {
        "case": case, "against": against, "seconds": ours, "other": other, "ratio": ratio,
        "target": target, "note": note,
    }  # fmt: skip


def left_out(case: str, against: str, why: str) -> dict:
    """A row without a time."""
    return {"case": case, "against": against, "note": f"left out: {why}"}
