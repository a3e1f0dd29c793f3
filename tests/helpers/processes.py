"""torchrun, for tests: so many processes run a script, and neither an error nor a hang is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shapebias_utils.paths import ROOT

PATIENCE = 110
"""Seconds after which processes are taken to hang; they need a third of it on a busy machine."""


def start_ranks(processes: int, script: Path, folder: Path, *arguments: str) -> subprocess.Popen:
    """torchrun with so many processes of the script, whose output is in one pipe.

    Its arguments are the folder, where it may write, and the others.
    """
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone",
        f"--nproc-per-node={processes}", script, folder, *arguments,
    ]  # fmt: skip
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "SHAPEBIAS_RESULTS": str(folder / "results"),
    }
    return subprocess.Popen(
        list(map(str, command)), env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def torchrun(
    processes: int, script: Path, folder: Path, *arguments: str, timeout: int = PATIENCE
) -> None:
    """As :func:`start_ranks`; fail with what they print if they fail or hang."""
    process = start_ranks(processes, script, folder, *arguments)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # torchrun's workers have sessions of their own, and end when it asks them to.
        process.terminate()
        try:
            output, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        pytest.fail(f"{processes} processes hang; they printed {output}")
    assert process.returncode == 0, output
