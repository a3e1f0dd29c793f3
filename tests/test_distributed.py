"""One, two or three processes: every row is done once and every rank gets the same table."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.processes import torchrun
from hypothesis import given
from hypothesis import strategies as st

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


def run(processes: int, code: str, folder: Path) -> None:
    script = folder / "script.py"
    script.write_text(code)
    torchrun(processes, script, folder)


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
import sys
from pathlib import Path
import torch
from helpers.toy_training import STANDARD, toy_images, toy_network
from shapebias_utils.distributed import rank
from shapebias_utils.networks.checkpoints import file_hash
from shapebias_utils.training.loop import train
torch.set_num_threads(1)
out = train(toy_network, toy_images(), STANDARD, Path(sys.argv[1]) / "toy.safetensors")
assert out.exists()
(Path(sys.argv[1]) / f"hash{rank()}").write_text(file_hash(out))
"""


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path):
    run(2, TRAIN, tmp_path)
    assert (tmp_path / "hash0").read_text() == (tmp_path / "hash1").read_text()
    log = pd.read_csv(tmp_path / "toy.csv")
    assert log["epoch"].tolist() == [1, 2, 3] and log["loss"].iloc[-1] < log["loss"].iloc[0]
    assert not (tmp_path / "toy.state.pt").exists()


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
