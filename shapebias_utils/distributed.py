"""Rank, world size, sharding and merging: the only file that knows torch.distributed.

Under ``torchrun`` every process takes its share of the work; without it there is one process.
"""

import atexit
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor, nn

T = TypeVar("T")


def world_size() -> int:
    """Number of processes: 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", 0))


def local_rank() -> int:
    """The number of this process on its machine, from 0: its GPU."""
    return int(os.environ.get("LOCAL_RANK", 0))


def _setup() -> None:
    import torch
    import torch.distributed as dist

    if dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank())  # else NCCL sends all ranks' objects through GPU 0
    # Ranks may wait long for a slower one; torchrun ends them all if one fails.
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=timedelta(days=1))
    # A group of its own, for a barrier waits as long as its group does.
    atexit.register(_leave, dist.new_group(timeout=timedelta(seconds=5), backend="gloo"))


def _leave(group: object) -> None:
    """Together if all come within seconds, and tidily: else a process may abort as it exits.

    One that fails leaves alone after that time, and `torchrun` then ends the others.
    """
    import torch.distributed as dist

    with suppress(RuntimeError):  # some rank failed or has more to do
        dist.barrier(group)
    dist.destroy_process_group()


def shard(items: Sequence) -> Sequence:
    """This rank's share of the items: every world-size-th one, none twice and none left out."""
    return items[rank() :: world_size()]


def merge(table: "pd.DataFrame", by: str) -> "pd.DataFrame":
    """The tables of all ranks as one, the same on every rank, sorted by the unique column `by`."""
    import pandas as pd

    if world_size() > 1:
        import torch.distributed as dist

        _setup()
        tables: list = [None] * world_size()
        dist.all_gather_object(tables, table)
        # A rank without rows has columns without a type, which would spoil those of the others.
        table = pd.concat([t for t in tables if len(t)] or tables[:1])
    return table.sort_values(by).reset_index(drop=True)


def barrier() -> None:
    """Wait until all ranks are here."""
    if world_size() > 1:
        import torch.distributed as dist

        _setup()
        dist.barrier()


def broadcast(value: T) -> T:
    """Rank 0's value, on every rank."""
    if world_size() == 1:
        return value
    import torch.distributed as dist

    _setup()
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def add(values: "Tensor") -> "Tensor":
    """The sum of the tensor over all ranks."""
    if world_size() > 1:
        import torch
        import torch.distributed as dist

        _setup()
        values = values.to("cuda" if torch.cuda.is_available() else "cpu")
        dist.all_reduce(values)
    return values.cpu()


def agree(tensors: "Iterable[Tensor]") -> None:
    """Give every process the values that rank 0 has, in place."""
    if world_size() > 1:
        import torch.distributed as dist

        _setup()
        for values in tensors:
            dist.broadcast(values, src=0)


def wrap(network: "nn.Module") -> "nn.Module":
    """The network, its gradients averaged over all ranks where there are several."""
    if world_size() == 1:
        return network
    from torch.nn.parallel import DistributedDataParallel

    _setup()
    return DistributedDataParallel(network)
