"""Many processes at once: one that dies takes the others with it, and none is in the way."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from helpers.faults import Trials
from helpers.processes import start_ranks

from shapebias_utils import cleaning
from shapebias_utils.paths import ROOT

pytestmark = pytest.mark.slow

DIES = """
import os, signal, sys, threading, time
from pathlib import Path
from types import SimpleNamespace as Facts
import pandas as pd
from shapebias_utils.cli import app, main
from shapebias_utils.distributed import barrier, merge, rank, shard
from shapebias_utils.results import cached
VERSION = 1
folder, where = Path(sys.argv[1]), sys.argv[2]
(folder / f"pid{rank()}").write_text(str(os.getpid()))

def die():
    (folder / "died").write_text(str(time.time()))
    os.kill(os.getpid(), signal.SIGKILL)

def measure(network, images):
    mine = pd.DataFrame({"i": list(shard(range(5)))})
    if rank() == 1 and where == "its own work":
        die()
    if rank() == 1 and where == "a collective call":
        threading.Timer(1, die).start()
    elif where == "a collective call":
        time.sleep(3)  # so that the other waits in the call when it dies
    return merge(mine, by="i")

@app.command()
def go():
    barrier()
    network = Facts(name="N", seed=0, dataset="toy", checkpoint_hash=lambda: "a")
    cached(measure, network, Facts(name="some", digest="d"))

main(["go"])
"""


@pytest.mark.parametrize("where", ["its own work", "a collective call"])
@pytest.mark.parametrize("processes", [2, 3])
def test_a_rank_that_is_killed_takes_the_others_with_it(tmp_path, processes, where):
    script = tmp_path / "script.py"
    script.write_text(DIES)
    ranks = start_ranks(processes, script, tmp_path, where)
    try:
        output, _ = ranks.communicate(timeout=600)
    finally:
        if ranks.poll() is None:
            os.killpg(ranks.pid, signal.SIGKILL)
    trials = Trials("a rank killed", f"of {processes}, in {where}")

    def judge() -> None:
        assert ranks.returncode != 0
        seconds = time.time() - float((tmp_path / "died").read_text())
        assert seconds < 60, f"{seconds:.0f} s: {output}"
        for path in tmp_path.glob("pid*"):
            assert not Path(f"/proc/{path.read_text()}").exists(), "a rank lives on"
        ours = [line for line in output.splitlines() if "shapebias:" in line]
        assert len(ours) <= processes - 1, output
        assert not re.search(r"shapebias_utils/\S+\.py\", line", output), "a traceback of ours"
        assert not list(tmp_path.rglob("*.csv")), "half a result"

    trials.judge(where, judge)
    trials.end()


ASKS = """
import os, sys, time
import pandas as pd
from types import SimpleNamespace as Facts
from shapebias_utils.results import cached
VERSION = 1
def measure(network, images):
    with open(sys.argv[1], "a") as file:
        print(images.name, file=file)
    time.sleep(0.1)
    return pd.DataFrame({"x": range(int(images.name) * 1000)})
print("ready", flush=True)
sys.stdin.readline()
net = Facts(name="N", seed=0, dataset="toy", checkpoint_hash=lambda: "abc")
for n in sys.argv[2:]:
    table = cached(measure, net, Facts(name=n, digest="d"))
    assert len(table) == int(n) * 1000 and table["x"].is_monotonic_increasing
"""
SETS = [str(n) for n in range(1, 7)]


@pytest.mark.parametrize("cleaned", [False, True], ids=["undisturbed", "cleaned meanwhile"])
def test_ten_processes_in_one_folder_of_results(tmp_path, monkeypatch, cleaned):
    """Each result is computed once; cleaned away meanwhile, it is computed anew, and whole."""
    monkeypatch.setattr(cleaning, "RESULTS", tmp_path / "results")
    environment = os.environ | {
        "SHAPEBIAS_RESULTS": str(tmp_path / "results"), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    ten, chance = [], random.Random(0)
    for _ in range(10):
        order = chance.sample(SETS, len(SETS))
        ten.append(subprocess.Popen(
            [sys.executable, "-c", ASKS, tmp_path / "computed", *order], env=environment,
            text=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        ))  # fmt: skip
    for process in ten:
        assert process.stdout.readline() == "ready\n"
    for process in ten:
        process.stdin.write("go\n")
        process.stdin.flush()
    cleanings = 0
    while cleaned and any(process.poll() is None for process in ten):
        cleaning.clean("results")
        cleanings += 1
        time.sleep(0.05)
    trials = Trials("ten processes, one folder", "cleaned meanwhile" if cleaned else "undisturbed")
    for process in ten:
        _, err = process.communicate(timeout=300)
        trials.judge("a process", lambda p=process, e=err: check(p.returncode == 0, e))
    computed = (tmp_path / "computed").read_text().split()
    if cleaned:
        trials.judge("no case", lambda: check(cleanings > 2 and len(computed) > len(SETS)))
    else:
        trials.judge("computed once", lambda: check(sorted(computed) == SETS, str(computed)))
        tables = [len(pd.read_csv(p)) for p in tmp_path.rglob("*.csv")]
        trials.judge("kept whole", lambda: check(sorted(tables) == [1000 * int(n) for n in SETS]))
    trials.judge("nothing is left over", lambda: check(not list(tmp_path.rglob(".*@*"))))
    trials.end()


def check(holds: bool, why: str = "") -> None:
    assert holds, why
