"""The README says what the tables say: its computed parts are those of today's verdicts."""

import re

import pytest

from shapebias_utils import claims
from shapebias_utils.notebooks import find_notebooks
from shapebias_utils.paths import ROOT
from shapebias_utils.site import readme

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_computed_parts_are_up_to_date():
    assert readme.filled(TEXT) == TEXT, "run python -m shapebias_utils.site.readme"


def test_its_first_screen_says_what_replicated():
    assert TEXT.index("<!-- replicated -->") < 4000
    for key in readme.HEADLINES:
        (claim,) = [c for c in claims.claims() if c.key == key]
        assert f"| {claim.statement} |" in TEXT


def test_another_verdict_is_another_readme(monkeypatch):
    true = readme.ledger

    def reversed_ledger(datasets):
        return true(datasets).assign(verdict="reversed")

    monkeypatch.setattr(readme, "ledger", reversed_ledger)
    assert "reversed" in readme.filled(TEXT) and readme.filled(TEXT) != TEXT


@pytest.mark.parametrize("path", find_notebooks("all"), ids=lambda p: p.stem)
def test_every_notebook_stands_in_the_readme_and_in_00(path):
    assert f"(notebooks/{path.name})" in TEXT
    start = find_notebooks("00")[0].read_text(encoding="utf-8")
    assert path.stem in start


def test_no_block_is_unknown():
    assert set(re.findall(r"<!-- (\w+) -->", TEXT)) == {"replicated", "notebooks"}
