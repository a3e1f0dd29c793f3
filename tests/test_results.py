"""Results are computed once, written whole or not at all, and never mistaken for others."""

import json
import os
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from shapebias_utils import results
from shapebias_utils.attacks import Attack
from shapebias_utils.files import atomic, writable
from shapebias_utils.paths import ROOT
from shapebias_utils.results import StaleResultError, cached

VERSION = 3


@dataclass
class Calls:
    number: int = 0
    fails: bool = False


CALLS = Calls()


def squares(network, images, *, n=3, attack=None):
    CALLS.number += 1
    if CALLS.fails:
        raise RuntimeError("out of memory")
    return pd.DataFrame({"n": np.arange(n), "square": np.arange(n) ** 2 / 7})


def network(**changes):
    facts = {"name": "AlexNet-R", "dataset": "pictograms", "seed": 0, "weights": "abc"} | changes
    return SimpleNamespace(**facts, checkpoint_hash=lambda: facts["weights"])


IMAGES = SimpleNamespace(name="validation", digest="d1")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(CALLS, "number", 0)
    monkeypatch.setattr(CALLS, "fails", False)
    return tmp_path


def files(folder):
    """Every file below the folder but the locks, which the operating system needs to stay."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_a_result_is_computed_once_and_is_the_same_when_loaded(folder):
    first = cached(squares, network(), IMAGES, n=5)
    second = cached(squares, network(), IMAGES, n=5)
    assert CALLS.number == 1
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(first, squares(None, None, n=5), check_exact=True)
    stem = "AlexNet-R-seed0_validation_n=5.csv"
    assert files(folder / "pictograms" / "squares") == [stem, stem + ".json"]


def test_the_sidecar_says_what_the_result_is_and_where_it_comes_from(folder):
    cached(squares, network(), IMAGES, n=2, attack=Attack(eps=1.0))
    (sidecar,) = folder.rglob("*.json")
    contents = json.loads(sidecar.read_text())
    assert contents["key"] == {
        "measure": "squares", "version": 3, "network": "AlexNet-R", "seed": 0, "checkpoint": "abc",
        "images": "validation", "dataset": "d1",
        "parameters": {"n": 2, "attack": vars(Attack(eps=1.0))},
    }  # fmt: skip
    assert contents["provenance"]["numpy"] == np.__version__
    assert {"python", "torch", "pandas", "commit", "device"} <= set(contents["provenance"])


def test_each_value_of_a_parameter_has_a_result_of_its_own():
    assert len(cached(squares, network(), IMAGES, n=2)) == 2
    assert len(cached(squares, network(), IMAGES, n=3)) == 3
    cached(squares, network(), IMAGES, attack=Attack(eps=1.0))
    cached(squares, network(), IMAGES, attack=Attack(eps=1.5))
    cached(squares, network(name="AlexNet"), IMAGES)
    cached(squares, network(seed=1), IMAGES)
    cached(squares, network(), SimpleNamespace(name="cue_conflict", digest="d2"))
    assert CALLS.number == 7


def table_of_everything(network, images):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**63, 200, dtype=np.int64).view(np.float64)
    edges = [0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, np.inf, -np.inf, np.nan, 1.0]
    floats = np.concatenate([edges, bits[np.isfinite(bits)]])
    n = len(floats)
    texts = ["na", "NA", "nan", "None", "null", "a,b", 'say "x"', "two\nlines", "Größe", " x "]
    return pd.DataFrame(
        {
            "float": floats,
            "whole_floats": np.arange(n, dtype=float),
            "integer": rng.integers(-(2**62), 2**62, n),
            "right": rng.random(n) < 0.5,
            "text": [texts[i % len(texts)] for i in range(n)],
            "nothing": np.nan,
        }
    )


def test_floats_to_the_last_bit_and_texts_survive():
    made = table_of_everything(None, None)
    first, again = (cached(table_of_everything, network(), IMAGES) for _ in range(2))
    for found in (first, again):
        assert found.dtypes.to_dict() == made.dtypes.to_dict()
        same_bits = found["float"].to_numpy().view(np.int64) == made["float"].to_numpy().view(
            np.int64
        )
        assert (same_bits | made["float"].isna()).all()
        pd.testing.assert_frame_equal(found, made, check_exact=True)


def awkward(network, images):
    return pd.DataFrame({"empty": ["", "x"], "digits": ["007", "1"], "small": np.float32([0.1, 2])})


def test_what_csv_cannot_keep_is_the_same_computed_and_loaded():
    first, again = (cached(awkward, network(), IMAGES) for _ in range(2))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert first["empty"].isna().tolist() == [True, False]
    assert first["digits"].tolist() == [7, 1]
    assert first["small"].tolist() == [0.1, 2.0]


def without_rows(network, images):
    return pd.DataFrame({"imagename": [], "correct": []})


def test_a_table_without_rows_keeps_its_columns():
    assert list(cached(without_rows, network(), IMAGES)) == ["imagename", "correct"]
    assert len(cached(without_rows, network(), IMAGES)) == 0


@pytest.mark.parametrize(
    ("field", "asked"),
    {"checkpoint": (network(weights="new"), IMAGES),
     "dataset": (network(), SimpleNamespace(name="validation", digest="d2"))}.items(),
)  # fmt: skip
def test_a_result_of_other_weights_or_images_is_refused(field, asked):
    cached(squares, network(), IMAGES)
    with pytest.raises(StaleResultError, match=f"was computed with {field} ") as error:
        cached(squares, *asked)
    assert "\n" not in str(error.value) and "shapebias clean results" in str(error.value)
    assert CALLS.number == 1


def test_a_result_of_an_older_version_is_refused(monkeypatch):
    cached(squares, network(), IMAGES)
    monkeypatch.setattr(sys.modules[__name__], "VERSION", 4)
    with pytest.raises(StaleResultError, match="computed with version 3, asked for is 4"):
        cached(squares, network(), IMAGES)


FIELDS = (
    "measure", "version", "parameters", "network", "seed", "checkpoint", "images", "dataset",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("change", ["another", "missing"])
def test_every_field_of_the_key_must_match(folder, field, change):
    cached(squares, network(), IMAGES)
    (sidecar,) = folder.rglob("*.json")
    contents = json.loads(sidecar.read_text())
    assert set(contents["key"]) == set(FIELDS)
    contents["key"].pop(field)
    if change == "another":
        contents["key"][field] = "another"
    sidecar.write_text(json.dumps(contents))
    with pytest.raises(StaleResultError, match=f"was computed with {field} "):
        cached(squares, network(), IMAGES)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_damaged_sidecar_is_named(folder, text):
    cached(squares, network(), IMAGES)
    (sidecar,) = folder.rglob("*.json")
    sidecar.write_text(text)
    with pytest.raises(StaleResultError, match=f"{sidecar.name} is damaged; remove"):
        cached(squares, network(), IMAGES)


def test_the_commit_may_change(folder):
    cached(squares, network(), IMAGES)
    (sidecar,) = folder.rglob("*.json")
    contents = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({"key": contents["key"], "provenance": {"commit": "older"}}))
    cached(squares, network(), IMAGES)
    assert CALLS.number == 1


def test_refresh_computes_anew_also_where_the_key_differs():
    cached(squares, network(), IMAGES)
    cached(squares, network(weights="new"), IMAGES, refresh=True)
    cached(squares, network(weights="new"), IMAGES)
    assert CALLS.number == 2


@pytest.mark.parametrize("lost", [".csv", ".json"])
def test_half_a_result_is_computed_anew(folder, lost):
    cached(squares, network(), IMAGES)
    next(p for p in folder.rglob("*") if p.suffix == lost).unlink()
    assert len(cached(squares, network(), IMAGES)) == 3
    assert CALLS.number == 2 and len(files(folder)) == 2


def test_a_measure_that_fails_leaves_nothing_behind(folder, monkeypatch):
    monkeypatch.setattr(CALLS, "fails", True)
    with pytest.raises(RuntimeError, match="out of memory"):
        cached(squares, network(), IMAGES)
    assert files(folder) == []


def test_a_refresh_that_fails_leaves_the_old_result(folder, monkeypatch):
    before = cached(squares, network(), IMAGES)
    monkeypatch.setattr(CALLS, "fails", True)
    with pytest.raises(RuntimeError):
        cached(squares, network(), IMAGES, refresh=True)
    pd.testing.assert_frame_equal(cached(squares, network(), IMAGES), before)
    assert len(files(folder)) == 2


def test_names_with_slashes_stay_in_the_folder(folder):
    cached(squares, network(name="../my/net"), SimpleNamespace(name="a/b c", digest="d1"), n=1)
    assert len(files(folder / "pictograms" / "squares")) == len(files(folder)) == 2


def test_a_measure_without_version_is_refused(monkeypatch):
    monkeypatch.delattr(sys.modules[__name__], "VERSION")
    with pytest.raises(ValueError, match="test_results has no VERSION"):
        cached(squares, network(), IMAGES)


SLOW_MEASURE = """
import os, sys, time
import pandas as pd
from types import SimpleNamespace as Facts
from shapebias_utils.results import cached
VERSION = 1
def measure(network, images):
    with open(sys.argv[1], "a") as file:
        print(os.getpid(), file=file)
    time.sleep(1.5)
    return pd.DataFrame({"x": [1.5]})
print("ready", flush=True)
sys.stdin.readline()
net = Facts(name="N", seed=0, dataset="pictograms", checkpoint_hash=lambda: "abc")
print(cached(measure, net, Facts(name="validation", digest="d"))["x"][0])
"""


def test_of_two_processes_that_ask_at_once_one_computes_and_one_waits(tmp_path):
    count = tmp_path / "computed"
    environment = os.environ | {
        "SHAPEBIAS_RESULTS": str(tmp_path / "results"),
        "PYTHONPATH": str(ROOT),
    }
    both = [
        subprocess.Popen([sys.executable, "-c", SLOW_MEASURE, count], env=environment, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    assert [p.stdout.readline().strip() for p in both] == ["ready", "ready"]
    for p in both:
        p.stdin.write("go\n")
        p.stdin.flush()
    assert [p.communicate(timeout=60)[0].strip() for p in both] == ["1.5", "1.5"]
    assert len(count.read_text().split()) == 1


def assert_one_line_with_remedy(error, folder):
    message = str(error.value)
    assert f"cannot write in {folder}" in message and "\n" not in message
    assert "SHAPEBIAS_RESULTS" in message and "permission" in message


def test_a_results_folder_that_cannot_be_made_is_named_with_the_remedy(folder, monkeypatch):
    (folder / "file").write_text("in the way")
    monkeypatch.setattr(results, "RESULTS", folder / "file")
    with pytest.raises(OSError) as error:
        cached(squares, network(), IMAGES)
    assert_one_line_with_remedy(error, folder / "file" / "pictograms" / "squares")
    assert CALLS.number == 0, "found out before the work, not after it"


def test_a_folder_without_write_permission_is_named_with_the_remedy(folder, monkeypatch):
    # Tests may run as root, whom permission bits do not bind.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError) as error:
        cached(squares, network(), IMAGES)
    assert_one_line_with_remedy(error, folder / "pictograms" / "squares")
    assert CALLS.number == 0


def test_writable_makes_the_folder(folder):
    assert writable(folder / "a" / "b") == folder / "a" / "b"
    assert (folder / "a" / "b").is_dir()


def test_atomic_shows_the_old_file_until_the_new_one_is_whole(folder):
    target = folder / "table.csv"
    target.write_text("old")
    with atomic(target) as temporary:
        temporary.write_text("ne")
        assert target.read_text() == "old"
        assert temporary.suffix == ".csv" and temporary.parent == folder
        temporary.write_text("new")
    assert target.read_text() == "new" and files(folder) == ["table.csv"]


@pytest.mark.parametrize("existed", [False, True])
def test_atomic_changes_nothing_on_error(folder, existed):
    target = folder / "table.csv"
    if existed:
        target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic(target) as temporary:
        temporary.write_text("half a ta")
        raise KeyboardInterrupt
    assert files(folder) == ["table.csv"] * existed
    assert not existed or target.read_text() == "old"


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from shapebias_utils.files import atomic
with atomic(Path(sys.argv[1])) as temporary:
    temporary.write_text("half a ta")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_no_half_file_and_its_debris_goes_with_the_next_write(folder):
    target = folder / "table.csv"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, target], env=environment)
    assert done.returncode == -signal.SIGKILL and not target.exists()
    assert len(files(folder)) == 1, "no case: nothing was left"
    running = folder / f".{platform.node()}-{os.getppid()}-table.csv"
    elsewhere = folder / ".another-machine-999999999-table.csv"
    for other in (running, elsewhere):
        other.write_text("still being written")
    with atomic(target) as temporary:
        temporary.write_text("whole")
    assert files(folder) == sorted([running.name, elsewhere.name, "table.csv"])
