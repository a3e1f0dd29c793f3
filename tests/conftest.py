"""What all tests share: one thread, no figures over the committed ones, skips with a reason."""

import os
from pathlib import Path

import pytest
from helpers.browser import chromium

ROOT = Path(__file__).parents[1]

# Before anything imports numpy, torch or the package, which read these once. Two busy processes of
# two threads each are far slower on two cores than two of one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("SHAPEBIAS_FIGURES", str(ROOT / "build" / "test" / "figures"))


def pytest_configure() -> None:
    from hypothesis import settings

    # A busy machine is slow, which is no failure; in CI a failure must be the same every time.
    settings.register_profile("repository", deadline=None, derandomize="CI" in os.environ)
    settings.load_profile("repository")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and not chromium():
        pytest.skip("no Chromium: apt-get install chromium, or set SHAPEBIAS_CHROMIUM to its path")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
