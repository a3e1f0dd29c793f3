"""Benchmarks: each gives rows of one form, a failure is a row, and the site shows what was kept."""

import sys

import pandas as pd
import pytest

from shapebias_utils import results
from shapebias_utils.paths import ROOT
from shapebias_utils.results import store
from shapebias_utils.site import bench as page_of

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def run(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import run

    yield run
    for name in ("run", "timing"):
        sys.modules.pop(name, None)


def test_every_benchmark_gives_rows(run):
    assert {"attack", "ablation", "corruptions", "dissection", "explorers", "loading",
            "rendering", "saliency", "scaling"} <= set(run.names())  # fmt: skip
    for name in run.names():
        assert "\ndef rows(" in (BENCHMARKS / f"bench_{name}.py").read_text(), name


def test_a_rows_ratio_is_how_many_times_faster_ours_is(run):
    from timing import left_out, row

    assert row("a", "b", ours=2.0, other=6.0, target=2.5)["ratio"] == 3
    assert row("a", "b", ours=2.0, other=None)["ratio"] is None
    assert set(row("a", "b", 1, 1)) | {"bench"} == set(run.COLUMNS)
    assert set(left_out("a", "b", "it is not installed")) < set(run.COLUMNS)


def test_a_benchmark_that_fails_is_a_row_that_says_why(run, tmp_path, monkeypatch):
    (tmp_path / "run.py").write_text((BENCHMARKS / "run.py").read_text())
    (tmp_path / "bench_broken.py").write_text("def rows():\n    raise OSError('no disk')\n")
    (tmp_path / "bench_whole.py").write_text("def rows():\n    yield {'case': 'one'}\n")
    monkeypatch.setattr(run, "__file__", str(tmp_path / "run.py"))
    assert list(run.measured("broken")) == [
        {"bench": "broken", "case": "failed", "note": "OSError: no disk"}
    ]
    assert list(run.measured("whole")) == [{"bench": "whole", "case": "one"}]


def test_the_site_shows_what_was_kept_and_what_misses_its_target(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    assert page_of.page(tmp_path) == "", "nothing was timed"
    rows = [
        ("fast", 1.0, 3.0, 3.0, 2.0),
        ("slow", 1.0, 0.5, 0.5, 1.0),
        ("out", None, None, None, 1),
    ]
    table = pd.DataFrame(rows, columns=["case", "seconds", "other", "ratio", "target"])
    table = table.assign(against="plain", note="", processor="a CPU", python="3", torch="2")
    store(table, "", "bench", {})
    text = page_of.page(tmp_path)
    assert "Below their targets: slow (0.5 of 1)." in text and "a CPU" in text
    assert "| fast | plain | 1 | 3 | 3 | 2 |" in text and "| out | plain |  |  |  |" in text
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
