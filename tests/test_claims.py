"""The ledger: a claim's verdict follows from its stored table, and from nothing else."""

import numpy as np
import pandas as pd
import pytest

from shapebias_utils import claims
from shapebias_utils.claims import PAPERS, Claim, judged, ledger, published, summed
from shapebias_utils.claims.published import STATEMENTS, audit
from shapebias_utils.measures.statistics import EFFECTS
from shapebias_utils.tables.claims import verdicts


@pytest.fixture
def one_claim(monkeypatch):
    """A ledger of one claim: R is more accurate."""
    claim = Claim(
        key="accurate", statement="R is more accurate", paper="shape_simplicity", section="2",
        notebook="01", quantity="accuracy", expected=1,
    )  # fmt: skip
    monkeypatch.setattr(claims, "claims", lambda notebook="": [claim])
    return claim


def effects(effect=0.2, against="standard", architecture="AlexNet", **more):
    facts = {"quantity": "accuracy", "architecture": architecture, "training": "robust",
             "against": against, "effect": effect, "low": effect - 0.05, "high": effect + 0.05,
             "p": 0.001, "p_holm": 0.003, "n": 100, "seeds": 3, **more}  # fmt: skip
    return pd.DataFrame([facts]).reindex(columns=list(EFFECTS))


def test_the_verdict_follows_the_table(one_claim):
    outcomes = [judged("01", "toy", effects(e))["verdict"].item() for e in (0.2, -0.2, 0.02)]
    assert outcomes == ["reproduced", "reversed", "undecided"]


def test_each_comparison_has_a_verdict_of_its_own(one_claim):
    both = pd.concat([effects(), effects(0.01, "control"), effects(0.3, architecture="ResNet")])
    found = judged("01", "toy", both)
    assert list(found["verdict"]) == ["reproduced", "undecided", "reproduced"]
    assert list(found["against"]) == ["standard", "control", "standard"]


@pytest.mark.parametrize(
    "table", [None, effects(quantity="something else"), effects(training="control")]
)
def test_without_its_quantity_a_claim_is_not_tested(one_claim, table):
    found = judged("01", "toy", table)
    assert list(found["verdict"]) == ["not tested"]
    assert found["claim"].item() == "accurate"


def test_the_ledger_reads_what_notebooks_saved(one_claim, tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "FIGURES", tmp_path)
    monkeypatch.setattr(claims, "EVIDENCE", {"01": "toy"})
    assert list(ledger(["toy"])["verdict"]) == ["not tested"]
    path = tmp_path / "toy" / "01_effects.csv"
    path.parent.mkdir()
    effects().to_csv(path, index=False)
    assert list(ledger(["toy"])["verdict"]) == ["reproduced"]
    effects(-0.2).to_csv(path, index=False)
    assert list(ledger(["toy"])["verdict"]) == ["reversed"]


def test_several_verdicts_in_words():
    assert summed(pd.Series(["reproduced", "undecided", "reproduced"])) == (
        "reproduced 2 of 3, undecided 1"
    )
    assert summed(pd.Series(["reversed"])) == "reversed 1 of 1"
    assert summed(pd.Series(["not tested"] * 3)) == "not tested"


def test_a_reader_sees_s_and_the_control_side_by_side(one_claim):
    table = verdicts(judged("01", "toy", pd.concat([effects(), effects(0.01, "control")])))
    row = table.iloc[0]
    assert row["against S", "effect"] == "20.0 [15.0, 25.0]"
    assert row["against S", "verdict"] == "reproduced"
    assert row["against the control", "verdict"] == "undecided"
    assert (row["", "n"], row["", "seeds"]) == (100, 3)


def test_a_claim_that_was_not_tested_has_its_row_too(one_claim):
    assert verdicts(judged("01", "toy", None)).iloc[0]["against S", "verdict"] == "not tested"


def test_every_claim_says_what_it_is_about():
    found = claims.claims()
    for claim in found:
        assert claim.expected in (1, -1)
        assert claim.paper in PAPERS
        assert claim.section and claim.statement and claim.against
        assert claim.statement[0].isupper() and not claim.statement.endswith("."), claim.key


# The paper's statements about its own tables


def test_the_papers_statements_are_recomputed_from_its_tables():
    """Worked by hand from the printed tables."""
    table = audit().set_index(["claim", "case"])
    wanted = {
        ("smoother filters", "ResNet"): (1.61, False),
        ("stylized", "GoogLeNet"): (-1.2, False),
        ("black and white", "ResNet"): (36.93, True),
        ("spatter", "of 8 networks"): (8, False),
        ("impulse noise", "of 8 networks"): (1, False),
        ("corruption types", "rows of the table"): (19, False),
        ("shares add up", "AlexNet robust"): (99.99, False),
        ("adversarial on CL", "ResNet robust"): (0, False),
        ("worse on corruptions", "ResNet"): (-0.82, True),
        ("mean of corruptions", "AlexNet standard"): (37.16 - 35.30, False),
    }
    for key, (printed, holds) in wanted.items():
        assert table.loc[key, "printed"] == pytest.approx(printed, abs=0.006), key
        assert table.loc[key, "holds"] == holds, key


def test_another_number_is_another_verdict(monkeypatch):
    def changed(name):
        table = true(name)
        if name == "table4_total_variation":
            table.loc[table["training"] == "robust", "mean_tv"] = 1.0
        return table

    true = published.reported
    monkeypatch.setattr(published, "reported", changed)
    assert audit().query("claim == 'smoother filters'")["holds"].all()


def test_statements_have_one_key_each():
    keys = [s.key for s in STATEMENTS]
    assert len(set(keys)) == len(keys)
    assert np.isfinite(audit()["printed"]).all()
