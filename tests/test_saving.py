"""Figures are saved reproducibly, beside their values, and only where these have changed."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_cases import FULL, bias, decided, study
from PIL import Image

from shapebias_utils import figures
from shapebias_utils.paths import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("SHAPEBIAS_RENEW", raising=False)
    monkeypatch.setattr(figures.drawing, "FIGURES", tmp_path)
    return tmp_path


@pytest.fixture
def renewed(monkeypatch):
    """Figures are written also where their values are what they were."""
    monkeypatch.setenv("SHAPEBIAS_RENEW", "1")


def everything(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_a_figure_is_saved_in_three_formats_beside_its_values(folder):
    paths = figures.save(FULL["sensitivity"](), "01_sensitivity", "pictograms", study())
    stem = folder / "pictograms" / "01_sensitivity"
    assert paths == [stem.with_suffix(s) for s in (".csv", ".pdf", ".png", ".svg")]
    assert set(everything(folder)) == {
        f"pictograms/01_sensitivity.{s}" for s in ("csv", "pdf", "png", "svg")
    }
    pdf, png, svg = (path.read_bytes() for path in paths[1:])
    assert pdf.startswith(b"%PDF") and png.startswith(b"\x89PNG") and b"<svg" in svg
    pd.testing.assert_frame_equal(pd.read_csv(paths[0]), study(), rtol=1e-5)


def test_provenance_is_inside_each_format(folder):
    _, pdf, png, svg = figures.save(FULL["sensitivity"](), "01_s", "pictograms", study())
    values = hashlib.sha256((folder / "pictograms" / "01_s.csv").read_bytes()).hexdigest()[:16]
    description = Image.open(png).text["Description"]
    assert description.startswith("01_s of pictograms: shapebias-utils ")
    assert "torch" in description and description.endswith(f"values sha256 {values}")
    assert description.encode() in pdf.read_bytes()
    assert description.encode() in svg.read_bytes()


def test_another_commit_changes_no_byte(folder, renewed, monkeypatch):
    figures.save(FULL["decisions"](), "00_decisions", "pictograms", decided())
    before = everything(folder)
    facts = figures.drawing.provenance() | {
        "commit": "another",
        "device": "cuda",
        "machine": "other",
    }
    monkeypatch.setattr(figures.drawing, "provenance", lambda: facts)
    figures.save(FULL["decisions"](), "00_decisions", "pictograms", decided())
    assert everything(folder) == before


def test_saving_one_figure_twice_gives_the_same_bytes(folder, renewed):
    figure = FULL["shape_bias_by_category"]()
    figures.save(figure, "03_bias", "pictograms", bias()[0])
    before = everything(folder)
    figures.png(figure)  # as a notebook shows it in between
    figures.save(figure, "03_bias", "pictograms", bias()[0])
    assert everything(folder) == before


SCRIPT = """
import sys
sys.path.insert(0, "tests")
from figure_cases import FULL, bias
from shapebias_utils import figures
for kind in ("shape_bias_by_category", "decisions", "confusion"):
    figures.save(FULL[kind](), kind, "pictograms", bias()[0])
"""


def test_two_processes_write_the_same_bytes(tmp_path):
    found = []
    for run in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": run,
            "SHAPEBIAS_FIGURES": str(tmp_path / run),
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "agg",
        }
        subprocess.run([sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, check=True)
        found.append(everything(tmp_path / run))
    assert len(found[0]) == 12
    assert {k for k in found[0] if found[0][k] != found[1].get(k)} == set()


def values(**changed) -> pd.DataFrame:
    """A table of all that a table may hold, with some columns changed."""
    columns = {"network": ["AlexNet", "ResNet"], "robust": [True, False], "n": [1200, 42],
               "share": [0.5, 0.0], "score": [-19.0, np.nan], "paper": np.nan}  # fmt: skip
    return pd.DataFrame(columns | changed)


@pytest.mark.parametrize(
    "changed, written",
    [
        ({}, False),
        ({"share": [0.5005, 0.0]}, False),  # 0.1 %
        ({"share": [0.525, 0.0]}, True),  # 5 %
        ({"share": [0.5, 0.0009]}, False),  # of nothing; per cent would show 0.1
        ({"share": [0.5, 0.0011]}, True),
        ({"score": [-19.3, np.nan]}, False),
        ({"score": [19.0, np.nan]}, True),
        ({"score": [-19.0, 0.0]}, True),
        ({"n": [1201, 42]}, False),  # a decision of many
        ({"n": [1200, 43]}, True),  # or of few
        ({"network": ["AlexNet", "ResNet-R"]}, True),
        ({"robust": [True, True]}, True),
        ({"paper": 0.0}, True),
        ({"more": 1}, True),
    ],
)
def test_files_whose_values_are_the_same_within_the_tolerance_stay(folder, changed, written):
    figure = FULL["sensitivity"]()
    paths = figures.save(figure, "01_s", "pictograms", values())
    paths[2].write_bytes(b"what was there")
    before = everything(folder)
    assert figures.save(figure, "01_s", "pictograms", values(**changed)) == paths
    assert (everything(folder) == before) is not written
    assert (paths[2].read_bytes() == b"what was there") is not written, "all or none"


@pytest.mark.parametrize(
    "other", [values().iloc[:1], values().iloc[:0], values().iloc[::-1], values()[["n", "share"]]]
)
def test_other_rows_or_columns_are_written(folder, other):
    (path,) = figures.save(None, "t", "d", values())
    figures.save(None, "t", "d", other)
    assert len(path.read_text().splitlines()) == 1 + len(other)
    assert path.read_text().splitlines()[0] == ",".join(other)


@pytest.mark.parametrize("suffix", [".csv", ".pdf", ".png", ".svg"])
def test_a_figure_of_which_a_file_is_missing_is_written(folder, suffix):
    paths = figures.save(FULL["sensitivity"](), "01_s", "pictograms", values())
    before = everything(folder)
    paths[0].with_suffix(suffix).unlink()
    figures.save(FULL["sensitivity"](), "01_s", "pictograms", values())
    assert everything(folder) == before


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe", b"a,b\n1,2,3\n4\n", b"<<<<<<< HEAD\nnetwork\n"]
)
def test_a_damaged_csv_is_written_anew(folder, damage):
    (path,) = figures.save(None, "t", "d", values())
    whole = path.read_bytes()
    path.write_bytes(damage)
    figures.save(None, "t", "d", values())
    assert path.read_bytes() == whole


def test_a_figure_that_is_drawn_otherwise_is_written_where_that_is_asked_for(folder, renewed):
    table = values()
    paths = figures.save(FULL["sensitivity"](), "01_s", "pictograms", table)
    before = [path.read_bytes() for path in paths]
    figures.save(FULL["decisions"](), "01_s", "pictograms", table)
    after = [path.read_bytes() for path in paths]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, False, False]


def test_a_table_alone_is_saved_as_csv(folder):
    (path,) = figures.save(None, "03_table2_shape_bias", "pictograms", study())
    assert everything(folder) == {"pictograms/03_table2_shape_bias.csv": path.read_bytes()}


def test_names_in_the_index_are_written_and_row_numbers_are_not(folder):
    table = pd.DataFrame(
        {"images": [3, 5]}, index=pd.Index(["AlexNet", "ResNet"], name="architecture")
    )
    (path,) = figures.save(None, "02_sizes", "pictograms", table)
    assert path.read_bytes() == b"architecture,images\nAlexNet,3\nResNet,5\n"
    (path,) = figures.save(None, "02_rows", "pictograms", table.set_index(np.array([7, 9])))
    assert path.read_bytes() == b"images\n3\n5\n"


def test_values_are_written_to_six_digits(folder):
    (path,) = figures.save(None, "t", "d", pd.DataFrame({"bias": [829 / 862], "n": [1_234_567]}))
    assert path.read_text() == "bias,n\n0.961717,1234567\n"


@pytest.mark.parametrize("broken", ["pdf", "png", "svg"])
def test_nothing_is_left_where_a_figure_cannot_be_drawn(folder, monkeypatch, broken):
    figure = FULL["sensitivity"]()
    savefig = figure.savefig

    def fails(buffer, *, format, **options):
        if format == broken:
            raise RuntimeError("no such font")
        savefig(buffer, format=format, **options)

    monkeypatch.setattr(figure, "savefig", fails)
    with pytest.raises(RuntimeError, match="no such font"):
        figures.save(figure, "01_sensitivity", "pictograms", study())
    assert everything(folder) == {}


def test_what_was_there_stays_where_the_disk_is_full(folder, monkeypatch):
    figures.save(FULL["sensitivity"](), "01_sensitivity", "pictograms", study())
    before, write = everything(folder), Path.write_bytes

    def full(path, content):
        write(path, content[: len(content) // 2])
        if path.suffix == ".svg":
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        figures.save(FULL["sensitivity"](), "01_sensitivity", "pictograms", study().iloc[:2])
    assert everything(folder) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file, not a folder")
    monkeypatch.setattr(figures.drawing, "FIGURES", tmp_path / "taken")
    with pytest.raises(OSError, match=r"cannot write in .*taken.*SHAPEBIAS_FIGURES"):
        figures.save(None, "t", "pictograms", study())
