"""What this machine computes on, and how to get the most out of it."""

import ctypes

import torch

from . import distributed


def device() -> torch.device:
    """The GPU of this rank if there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", distributed.local_rank())
    return torch.device("cpu")


def fast_bf16(where: torch.device) -> bool:
    """Whether bfloat16 arithmetic is done by the hardware there."""
    if where.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks: a quarter of the time of a CPU step goes into
    fetching them again from the kernel. Does nothing where there is no glibc."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
