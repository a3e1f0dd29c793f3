"""One, two or three processes: every row is done once and every rank gets the same table."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.processes import torchrun
from helpers.toy_training import BATCH, IMAGES
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from shapebias_utils.distributed import add, barrier, broadcast, merge, rank, shard, world_size

ROWS = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4, 5, 6, 7],
        "imagename": [f"image{i}.png" for i in range(7)],
        "correct": [True, False, True, True, False, False, True],
        "confidence": [0.1, 1 / 3, 0.5, 1e-300, 0.7, 1.0, 0.123456789012345678],
    }
)


@given(items=st.lists(st.integers()), world=st.integers(1, 9))
def test_the_shards_cover_all_items_once(items, world):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORLD_SIZE", str(world))
        shares = []
        for r in range(world):
            patch.setenv("RANK", str(r))
            shares.append(shard(items))
        assert (rank(), world_size()) == (world - 1, world)
    assert sorted(x for share in shares for x in share) == sorted(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    positions = [share for r in range(world) for share in range(len(items))[r::world]]
    assert sorted(positions) == list(range(len(items)))


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    assert (rank(), world_size()) == (0, 1)
    assert shard(range(5)) == range(5)
    assert broadcast("value") == "value" and add(torch.ones(2)).tolist() == [1, 1]
    barrier()
    shuffled = ROWS.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(merge(shuffled, by="trial"), ROWS)


def run(processes: int, code: str, folder: Path, *arguments: str) -> None:
    script = folder / "script.py"
    script.write_text(code)
    torchrun(processes, script, folder, *arguments)


MERGE = """
import sys
from types import SimpleNamespace as Facts
import pandas as pd
import torch
from shapebias_utils.distributed import add, broadcast, merge, rank, shard
from shapebias_utils.results import cached
VERSION = 1
ROWS = pd.read_pickle(f"{sys.argv[1]}/rows.pkl")

def measure(network, images):  # as measures do: each rank its share, then merged
    with open(f"{sys.argv[1]}/computed{rank()}", "a") as file:
        print("once", file=file)
    return merge(ROWS.iloc[shard(range(len(ROWS)))], by="trial")

here = f"{sys.argv[1]}/rank{rank()}"
merge(ROWS.iloc[shard(range(7))[::-1]], by="trial").to_pickle(here + "_seven.pkl")
merge(ROWS.iloc[shard(range(1))].reset_index(drop=True), by="trial").to_pickle(here + "_one.pkl")
mine = ROWS.iloc[shard(range(2))]
if not len(mine):  # what a measure without images makes of nothing
    mine = mine.astype({"trial": float, "correct": object})
merge(mine, by="trial").to_pickle(here + "_two.pkl")
assert add(torch.tensor([1.0, rank()])).tolist() == [SIZE, SIZE * (SIZE - 1) / 2]
assert broadcast({"from": rank()}) == {"from": 0}
network = Facts(name="N", seed=0, dataset="pictograms", checkpoint_hash=lambda: "abc")
for _ in range(2):
    table = cached(measure, network, Facts(name="validation", digest="d"))
    table.to_pickle(here + "_cached.pkl")
"""


@pytest.mark.parametrize(
    "processes", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3))]
)
def test_every_rank_gets_the_table_of_one_process(tmp_path, processes):
    ROWS.to_pickle(tmp_path / "rows.pkl")
    run(processes, f"SIZE = {processes}\n{MERGE}", tmp_path)
    for r in range(processes):
        found = {
            n: pd.read_pickle(tmp_path / f"rank{r}_{n}.pkl")
            for n in ("seven", "two", "one", "cached")
        }
        pd.testing.assert_frame_equal(found["seven"], ROWS)
        pd.testing.assert_frame_equal(found["two"], ROWS.iloc[:2])
        pd.testing.assert_frame_equal(found["one"], ROWS.iloc[:1])
        pd.testing.assert_frame_equal(found["cached"], ROWS, check_exact=True)
        assert (tmp_path / f"computed{r}").read_text().split() == ["once"]
    assert len(list(tmp_path.rglob("*.csv"))) == 1


TRAIN = """
import os, signal, sys, time
from dataclasses import replace
from pathlib import Path
import torch
from helpers.toy_training import ROBUST, STANDARD, toy_images, toy_network
from shapebias_utils.distributed import rank, world_size
from shapebias_utils.networks.checkpoints import file_hash
from shapebias_utils.training.loop import train
torch.set_num_threads(1)
folder, dies, name = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
shares = []

def at_augment(call):
    if call == 6 and rank() == dies:  # in the second of three epochs
        (folder / "died").write_text(str(time.time()))
        os.kill(os.getpid(), signal.SIGKILL)

images = toy_images(at_augment)
augment = images.augment

def counted(rows, seed):
    shares.append(len(rows))
    return augment(rows, seed)

recipe = ROBUST if world_size() == 3 else STANDARD
out = train(toy_network, replace(images, augment=counted), recipe, folder / f"{name}.safetensors")
assert out.exists()
(folder / f"{name}{rank()}").write_text(f"{file_hash(out)} {sum(shares)} {max(shares)}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_processes_train_one_network_and_go_on_when_any_of_them_has_died(tmp_path, processes):
    """With 3, which train adversarially, the shares of a batch of 16 are of 6, 5 and 5 images.

    They are summed in an order that DistributedDataParallel finds anew in each run, so that weights
    are the same but for rounding; of 2, bit for bit.
    """
    run(processes, TRAIN, tmp_path, "-1", "whole")
    whole = [(tmp_path / f"whole{r}").read_text().split() for r in range(processes)]
    assert len({weights for weights, *_ in whole}) == 1
    assert sum(int(seen) for _, seen, _ in whole) == 3 * IMAGES, "each image once an epoch"
    assert max(int(most) for *_, most in whole) == -(-BATCH // processes)
    log = pd.read_csv(tmp_path / "whole.csv")
    assert log["epoch"].tolist() == [1, 2, 3] and log["loss"].iloc[-1] < log["loss"].iloc[0]
    for dies in range(processes):
        name = f"broken{dies}_"
        with pytest.raises(AssertionError, match="SIGKILL|Signal 9"):
            run(processes, TRAIN, tmp_path, str(dies), name)
        assert time.time() - float((tmp_path / "died").read_text()) < 60
        assert (tmp_path / f"{name}.state.pt").exists()
        run(processes, TRAIN, tmp_path, "-1", name)
        again = [(tmp_path / f"{name}{r}").read_text().split()[0] for r in range(processes)]
        assert len(set(again)) == 1
        if processes == 2:
            assert again[0] == whole[0][0]
        before, after = (load_file(tmp_path / f"{n}.safetensors") for n in ("whole", name))
        for key, value in before.items():
            torch.testing.assert_close(after[key], value, rtol=1e-4, atol=1e-5)
        losses = pd.read_csv(tmp_path / f"{name}.csv")["loss"]
        assert losses.tolist() == pytest.approx(log["loss"].tolist(), rel=1e-5)
        assert not (tmp_path / f"{name}.state.pt").exists()


def test_the_gradient_is_that_of_the_whole_batch_however_it_is_shared(tmp_path):
    """Without batch norm and noise, one step of 3 processes is that of one."""
    run(3, ONE_STEP, tmp_path)
    run(1, ONE_STEP, tmp_path)
    three, one = (torch.load(tmp_path / f"{n}.pt", weights_only=True) for n in (3, 1))
    assert torch.allclose(three, one, rtol=1e-5, atol=1e-7)


ONE_STEP = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from torch import nn
from helpers.toy_training import CLASSES, STANDARD, toy_images
from shapebias_utils.distributed import rank, world_size
from shapebias_utils.networks.checkpoints import load_into
from shapebias_utils.training.loop import train
torch.set_num_threads(1)

def build():
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, CLASSES))

images = toy_images()
images = replace(images, augment=lambda rows, seed: images.load(rows))
images = images.subset(range(16), "one batch")
here = f"{sys.argv[1]}/{world_size()}"
out = train(build, images, replace(STANDARD, epochs=1), Path(f"{here}.safetensors"))
if rank() == 0:
    load_into(network := build(), out)
    torch.save(network[2].weight.detach(), f"{here}.pt")
"""


PARTS = """
import os, signal, sys
from types import SimpleNamespace as Facts
import pandas as pd
from shapebias_utils.distributed import rank
from shapebias_utils.results import cached, in_parts
VERSION = 1
folder, dies, name = sys.argv[1:]

def compute(rows):
    with open(f"{folder}/{name}", "a") as file:
        print(*rows, file=file, flush=True)
    if str(rank()) == dies and rows[0] > 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return pd.DataFrame({"row": rows, "third": [r / 3 for r in rows]}).astype({"third": "float32"})

def measure(network, images):
    return in_parts(11, compute, "row", size=2)

network = Facts(name="N", seed=0, dataset="pictograms", checkpoint_hash=lambda: "abc")
table = cached(measure, network, Facts(name="validation", digest="d"))
table.to_pickle(f"{folder}/{name}{rank()}.pkl")
"""


@pytest.mark.slow
def test_what_was_finished_before_a_process_died_is_not_computed_again(tmp_path):
    with pytest.raises(AssertionError, match="SIGKILL|Signal 9"):
        run(2, PARTS, tmp_path, "1", "first")
    first = (tmp_path / "first").read_text().splitlines()
    kept = {p.stem for p in tmp_path.rglob("*.parts/*/*.csv")}
    assert kept and len(kept) < len(first), "one died with a part under way"
    run(3, PARTS, tmp_path, "", "second")  # by another number of processes
    second = (tmp_path / "second").read_text().splitlines()
    assert not kept & {f"{line.split()[0]}-{line.split()[-1]}" for line in second}
    assert len(kept) + len(second) == 6, "parts of two rows of eleven"
    table = pd.read_pickle(tmp_path / "second0.pkl")
    assert table["row"].tolist() == list(range(11))
    assert table["third"].tolist() == [float(str(np.float32(r / 3))) for r in range(11)]
    for r in (1, 2):
        pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / f"second{r}.pkl"), table)
    assert not list(tmp_path.rglob("*.parts"))


FAILS = """
from shapebias_utils.distributed import barrier, broadcast, rank
barrier()
if rank():
    raise ValueError("one of two fails")
broadcast("none is there to take it")
"""


def test_where_one_fails_the_others_do_not_wait_for_it(tmp_path):
    with pytest.raises(AssertionError, match="one of two fails"):
        run(2, FAILS, tmp_path)
