"""The guides' code is run as it is printed, file by file."""

import re
import sys

import pytest

from shapebias_utils import distortions, networks, results
from shapebias_utils.paths import ROOT

GUIDES = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.+?)^```", re.S | re.M)


def blocks(guide):
    """(name of the file that a block is, "" where it is none; its code)."""
    for code in BLOCK.findall((GUIDES / f"{guide}.md").read_text()):
        name = re.match(r"# (\w+\.py)\n", code)
        yield name[1] if name else "", code


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to import from, with results of its own, and nothing registered afterwards."""
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(networks, "_OWN", dict(networks._OWN))
    monkeypatch.setattr(distortions, "__path__", [*distortions.__path__, str(tmp_path)])
    monkeypatch.syspath_prepend(tmp_path)
    distortions._known.cache_clear()
    before = set(sys.modules)
    yield tmp_path
    distortions._known.cache_clear()
    for name in set(sys.modules) - before:
        if (
            getattr(sys.modules[name], "__file__", None)
            and str(tmp_path) in sys.modules[name].__file__
        ):
            del sys.modules[name]


@pytest.mark.parametrize("guide", ["own_network", "own_distortion", "own_measure"])
def test_a_guides_code_runs_as_it_is_printed(folder, guide):
    space = {"__name__": "guide"}
    for name, code in blocks(guide):
        if name:
            (folder / name).write_text(code)
        if name != "posterize.py":  # found where distortions lie, not imported by name
            exec(compile(code, name or guide, "exec"), space if not name else {"__name__": "file"})


def test_every_guide_is_run_by_a_test():
    run = {"own_network", "own_distortion", "own_measure", "own_dataset"}
    assert {path.stem for path in GUIDES.glob("own_*.md")} == run
