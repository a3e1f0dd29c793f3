"""Results are computed once, written whole or not at all, and never mistaken for others."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from shapebias_utils import attacks, cleaning, results
from shapebias_utils.attacks import Attack
from shapebias_utils.datasets import labels_on_disk
from shapebias_utils.measures import predictions
from shapebias_utils.measures.ablation import cumulative, scores
from shapebias_utils.measures.dissection import dissect
from shapebias_utils.paths import ROOT
from shapebias_utils.results import cached, entry, versions

VERSION = 3


@dataclass
class Calls:
    number: int = 0
    fails: bool = False


CALLS = Calls()


def squares(network, images, *, n=3, attack=None, batch_size=64):
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
    path, _ = entry(squares, network(), IMAGES, n=5)
    assert path.parent == folder / "pictograms" / "squares"
    assert path.name.startswith("AlexNet-R-seed0_validation_")
    assert files(folder) == [path.name, path.name + ".json"]


def test_the_sidecar_says_what_the_result_is_and_where_it_comes_from(folder):
    cached(squares, network(), IMAGES, n=2, attack=Attack(eps=1.0))
    (sidecar,) = folder.rglob("*.json")
    contents = json.loads(sidecar.read_text())
    assert contents["key"] == {
        "measure": "test_results.squares", "network": "AlexNet-R", "seed": 0, "checkpoint": "abc",
        "images": "validation", "dataset": "d1",
        "parameters": {"n": 2, "attack": vars(Attack(eps=1.0))},
        "versions": versions(squares),
    }  # fmt: skip
    assert contents["rows"] == 2
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


def older(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "VERSION", 2)


def another_default(monkeypatch):
    monkeypatch.setitem(squares.__kwdefaults__, "n", 4)


def another_module(monkeypatch):
    module = ModuleType("another_module")
    module.VERSION = VERSION
    monkeypatch.setitem(sys.modules, "another_module", module)
    monkeypatch.setattr(squares, "__module__", "another_module")


def another_adversary(monkeypatch):
    monkeypatch.setattr(attacks, "VERSION", attacks.VERSION + 1)


@pytest.mark.parametrize("change", [older, another_default, another_module, another_adversary])
def test_what_other_code_gives_is_computed_anew_and_blocks_nothing(monkeypatch, change):
    before = cached(squares, network(), IMAGES)
    with monkeypatch.context() as patch:
        change(patch)
        assert len(cached(squares, network(), IMAGES)) == squares.__kwdefaults__["n"]
        assert CALLS.number == 2
    pd.testing.assert_frame_equal(cached(squares, network(), IMAGES), before)
    assert CALLS.number == 2, "the first is still there"


def test_other_weights_and_other_images_of_the_same_name_have_results_of_their_own():
    asked = (network(), IMAGES), (network(weights="retrained"), IMAGES), (
        network(), SimpleNamespace(name="validation", digest="another folder of raw data"),
    )  # fmt: skip
    for _ in range(2):
        for one in asked:
            cached(squares, *one)
    assert CALLS.number == 3


def test_what_cannot_change_a_result_is_not_in_its_key():
    cached(squares, network(), IMAGES)
    cached(squares, network(), IMAGES, n=3, attack=None)
    cached(squares, network(), IMAGES, batch_size=1)
    assert CALLS.number == 1


VERSIONS = {
    predictions.responses: {attacks, predictions},
    scores.scores: {attacks, predictions, scores},
    cumulative.cumulative_ablation: {attacks, predictions, scores, cumulative},
    dissect.dissect: {dissect},
}
"""Measure -> modules whose VERSION is among those of its result."""


@pytest.mark.parametrize("raised", [attacks, predictions, scores, cumulative, dissect])
@pytest.mark.parametrize("measure", VERSIONS)
def test_a_version_counts_for_all_that_is_built_on_it(monkeypatch, measure, raised):
    given = {"layer": "conv1"} if measure is scores.scores else {}
    before, _ = entry(measure, network(), IMAGES, **given)
    monkeypatch.setattr(raised, "VERSION", raised.VERSION + 1)
    after, _ = entry(measure, network(), IMAGES, **given)
    assert (before != after) == (raised in VERSIONS[measure])


def test_what_else_has_been_imported_does_not_count():
    """A package has its submodules among its globals as soon as anything imports them."""
    assert labels_on_disk.VERSION and labels_on_disk.__package__ in sys.modules
    assert labels_on_disk.__name__ not in versions(predictions.responses)


def test_names_are_short_and_plain_whatever_they_are_made_of(folder):
    long = network(name="Ωmega/" + "x" * 300, weights="a")
    names = {
        entry(squares, net, SimpleNamespace(name=name, digest="d"))[0].name
        for net in (long, network(name="x"))
        for name in ("a/b c", "ß" * 300)
    }
    assert len(names) == 4
    assert all(n.isascii() and not set(n) & set("/ ") and len(n + ".json") <= 200 for n in names)


def test_a_parameter_that_the_measure_does_not_take_is_named():
    with pytest.raises(TypeError, match="squares: got an unexpected keyword argument 'epsilon'"):
        cached(squares, network(), IMAGES, epsilon=1)
    with pytest.raises(TypeError, match="{1, 2} cannot be in the key of a result: give numbers"):
        cached(squares, network(), IMAGES, n={1, 2})
    assert CALLS.number == 0


def test_not_a_number_is_a_value_like_others():
    for _ in range(2):
        cached(squares, network(), IMAGES, attack=float("nan"))
    assert CALLS.number == 1


# --- damage ---------------------------------------------------------------------------------------


def sidecar_with(**changes):
    def damage(table, sidecar):
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | changes))

    return damage


def sidecar_of(text):
    return lambda table, sidecar: sidecar.write_text(text)


def table_changed(change):
    return lambda table, sidecar: table.write_bytes(change(table.read_bytes()))


DAMAGE = {
    "cut in half": table_changed(lambda content: content[: len(content) // 2]),
    "without its last row": table_changed(lambda content: content[: content.rindex(b"\n", 0, -1)]),
    "empty": table_changed(lambda content: b""),
    "another number": table_changed(lambda content: content.replace(b"0.5", b"0.4")),
    "no table": lambda table, sidecar: table.unlink(),
    "no sidecar": lambda table, sidecar: sidecar.unlink(),
    "another hash": sidecar_with(sha256="0" * 64),
    "another number of rows": sidecar_with(rows=2),
    "another key": sidecar_with(key={"measure": "squares"}),
    **{f"sidecar {text!r}": sidecar_of(text) for text in ("", "{", "[]", "{}", "null", "\xff")},
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_result_is_computed_anew(folder, damage):
    before = cached(squares, network(), IMAGES)
    path, _ = entry(squares, network(), IMAGES)
    damage(path, path.with_suffix(".csv.json"))
    pd.testing.assert_frame_equal(cached(squares, network(), IMAGES), before)
    assert CALLS.number == 2 and len(files(folder)) == 2
    cached(squares, network(), IMAGES)
    assert CALLS.number == 2


def test_the_commit_may_change(folder):
    cached(squares, network(), IMAGES)
    (sidecar,) = folder.rglob("*.json")
    contents = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(contents | {"provenance": {"commit": "older"}}))
    cached(squares, network(), IMAGES)
    assert CALLS.number == 1


def test_refresh_computes_anew():
    cached(squares, network(), IMAGES)
    cached(squares, network(), IMAGES, refresh=True)
    cached(squares, network(), IMAGES)
    assert CALLS.number == 2


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


def start(count, folder):
    """A process that is ready to ask for the slow measure."""
    environment = os.environ | {"SHAPEBIAS_RESULTS": str(folder), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_MEASURE, count], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline().strip() == "ready"
    return process


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def test_of_two_processes_that_ask_at_once_one_computes_and_one_waits(tmp_path):
    count = tmp_path / "computed"
    both = [start(count, tmp_path / "results") for _ in range(2)]
    for process in both:
        go(process)
    assert [p.communicate(timeout=60)[0].strip() for p in both] == ["1.5", "1.5"]
    assert len(count.read_text().split()) == 1


def test_cleaning_while_one_computes_leaves_its_result_and_the_other_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(cleaning, "RESULTS", tmp_path / "results")
    count = tmp_path / "computed"
    first, second = (start(count, tmp_path / "results") for _ in range(2))
    go(first)
    while not count.exists():
        pass
    assert cleaning.clean("results") == (0, 1)
    go(second)
    assert [p.communicate(timeout=60)[0].strip() for p in (first, second)] == ["1.5", "1.5"]
    assert len(count.read_text().split()) == 1
    assert cleaning.clean("results") == (3, 0)


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
