"""The one loader: batches that come ahead of a GPU, from worker processes, in pinned memory."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

AHEAD = 4
"""Batches that each worker process has ready or under way."""


class _Batches:
    """Batches as a map-style dataset; an error is a value, so that it keeps its one line."""

    def __init__(self, load: "Callable[[int], Tensor]", count: int) -> None:
        self.load, self.count = load, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> "Tensor | Exception":
        try:
            return self.load(i)
        except Exception as error:
            return error


def batches(load: "Callable[[int], Tensor]", count: int) -> "Iterator[Tensor]":
    """``load(0)`` to ``load(count - 1)``, in order; an error of `load` is raised where it is due.

    By ``hardware.loading_workers`` processes, which go on while a batch is computed on: 8 at most
    beside a GPU, none without one. In pinned memory where there is a GPU, so that a copy to it
    need not be waited for. Draws no random number of the caller's.
    """
    import torch
    from torch.utils.data import DataLoader

    from .hardware import device, loading_workers

    workers = min(loading_workers(), count)
    loader = DataLoader(
        _Batches(load, count),
        batch_size=None,
        num_workers=workers,
        pin_memory=device().type == "cuda",
        prefetch_factor=AHEAD if workers else None,
        generator=torch.Generator(),
    )
    for x in loader:
        if isinstance(x, Exception):
            raise x
        yield x
