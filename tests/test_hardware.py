"""What the package takes of a machine: no more than it may use."""

import os
import threading

import pytest
import torch

from shapebias_utils import doctor, hardware
from shapebias_utils.datasets.image_files import in_threads


def test_cores_are_those_that_a_process_may_use(monkeypatch):
    """As in a container that has two of a machine's 64."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 17})
    assert hardware.cores() <= 2
    assert f" on {hardware.cores()} cores" in next(
        f.detail for f in doctor.examine() if f.name == "device"
    )


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_images_are_decoded_by_a_thread_a_core_and_eight_at_most(monkeypatch, cores):
    monkeypatch.setattr(hardware, "cores", lambda: cores)
    together = min(8, cores)
    barrier = threading.Barrier(together, timeout=10)  # passed only by so many at once

    def job():
        barrier.wait()
        return threading.get_ident()

    assert len(set(in_threads([job] * 8 * together))) == together


@pytest.mark.parametrize("said, fast", [("0", False), ("1", True)])
def test_what_the_hardware_says_of_bfloat16_can_be_overridden(monkeypatch, said, fast):
    monkeypatch.setenv("SHAPEBIAS_BF16", said)
    assert hardware.fast_bf16(torch.device("cpu")) is fast
