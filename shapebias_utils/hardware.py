"""What this machine computes on, and how to get the most out of it."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from . import distributed


def device() -> torch.device:
    """The GPU of this rank if there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", distributed.local_rank())
    return torch.device("cpu")


def cores() -> int:
    """CPU cores that this process may use: in a container often fewer than the machine has."""
    from joblib import cpu_count

    return cpu_count()


def fast_bf16(where: torch.device) -> bool:
    """Whether the hardware computes in bfloat16 there; SHAPEBIAS_BF16 (0 or 1) overrides it."""
    if "SHAPEBIAS_BF16" in os.environ:
        return os.environ["SHAPEBIAS_BF16"] == "1"
    if where.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()


@contextmanager
def float32() -> Iterator[None]:
    """Within the block everything is computed in IEEE float32, whatever else is set.

    No autocast, no TF32 and no bfloat16 inside of float32 operations, and the deterministic ones
    of cuDNN's algorithms: a measurement gives the same numbers on every machine, but for rounding.
    """
    convolution = torch.backends.mkldnn.conv
    before = torch.get_float32_matmul_precision(), convolution.fp32_precision
    torch.set_float32_matmul_precision("highest")
    convolution.fp32_precision = "ieee"
    cudnn = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    try:
        with cudnn, torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        convolution.fp32_precision = before[1]


def loading_workers() -> int:
    """Processes that load images ahead: SHAPEBIAS_WORKERS, else 8 at most beside a GPU, else none.

    Without a GPU they would only take cores away from the network.
    """
    if "SHAPEBIAS_WORKERS" in os.environ:
        return int(os.environ["SHAPEBIAS_WORKERS"])
    return min(8, cores()) if torch.cuda.is_available() else 0


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks: a quarter of the time of a CPU step goes into
    fetching them again from the kernel. Does nothing where there is no glibc."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
