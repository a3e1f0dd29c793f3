"""The one rule for verdicts: paired effects, their intervals, and what they come to."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from shapebias_utils.measures.statistics import (
    OUTCOMES,
    against_constant,
    bootstrap_interval,
    effects,
    holm,
    levels,
    outcomes,
)


def observed(values, training="standard", seed=0, weight=1.0, architecture="AlexNet", **more):
    """Observations of one network: a unit a value."""
    facts = {"architecture": architecture, "training": training, "seed": seed, **more}
    name = f"{architecture} {training}"
    units = [f"{i}.png" for i in range(len(values))]
    table = pd.DataFrame({"unit": units, "value": np.asarray(values, float), "weight": weight})
    return table.assign(quantity="accuracy", network=name, **facts)


def simulated(rng, n, seeds, effect, spread=0.0, architecture="AlexNet"):
    """S and R on the same images: right with a share of .4 and .4 + effect (and a seed's own)."""
    hard, tables = rng.random(n), []
    for seed in range(seeds):
        mine = rng.random(n)
        for training, share in (
            ("standard", 0.4),
            ("robust", 0.4 + effect + spread * rng.normal()),
        ):
            right = np.where(rng.random(n) < 0.5, hard, mine) < share
            tables.append(observed(right, training, seed, architecture=architecture))
    return pd.concat(tables)


# Effects


def test_an_effect_is_a_difference_of_ratios_of_sums():
    s = observed([1, 0, 0, 1], weight=[1, 1, 0, 2])  # 2 of 4
    r = observed([1, 1, 1, 0], "robust", weight=[1, 1, 2, 0])  # 3 of 4
    row = effects(pd.concat([s, r])).iloc[0]
    assert (row["value"], row["versus"], row["effect"]) == (0.75, 0.5, 0.25)
    assert (row["training"], row["against"], row["n"], row["seeds"]) == ("robust", "standard", 4, 1)


def test_pairs_are_of_the_units_that_both_networks_have():
    s = observed([1, 1, 0, 0])
    r = observed([1, 1, 0, 0], "robust")
    row = effects(pd.concat([s.iloc[1:], r.iloc[:3]])).iloc[0]
    assert (row["value"], row["versus"], row["n"]) == (0.5, 0.5, 2)


def test_pairing_leaves_only_what_differs():
    rng = np.random.default_rng(0)
    hard = rng.random(400) < 0.5
    better = hard | (np.arange(400) < 20)  # 20 images more
    both = pd.concat([observed(hard), observed(better, "robust")])
    together, apart = effects(both).iloc[0], effects(both, paired=False).iloc[0]
    assert together["effect"] == apart["effect"]
    assert together["low"] > 0 > apart["low"]


def test_an_image_twice_is_refused_by_name():
    with pytest.raises(ValueError, match=r"AlexNet standard has 0\.png twice for 'accuracy'"):
        effects(pd.concat([observed([1]), observed([0])]))


def test_what_is_not_there_has_no_row():
    assert effects(observed([1, 0])).empty
    only_other_seed = pd.concat([observed([1, 0]), observed([1, 0], "robust", seed=1)])
    assert effects(only_other_seed).empty


def test_a_statistic_without_weight_has_no_verdict():
    both = pd.concat([observed([0, 0], weight=0.0), observed([1, 1], "robust")])
    row = effects(both)
    assert row["effect"].isna().all()
    assert list(outcomes(row, 1)) == ["not tested"]


def test_seeds_enter_as_students_t():
    """Where images add nothing, the interval is that of a t test of the seeds' differences."""
    shares = {0: 0.50, 1: 0.54, 2: 0.61}
    tables = [observed(np.full(30, 0.4), "standard", seed) for seed in shares]
    tables += [observed(np.full(30, share), "robust", seed) for seed, share in shares.items()]
    row = effects(pd.concat(tables)).iloc[0]
    differences = np.array(list(shares.values())) - 0.4
    wanted = ttest_1samp(differences, 0).confidence_interval()
    assert row["effect"] == pytest.approx(differences.mean())
    assert (row["low"], row["high"]) == pytest.approx((wanted.low, wanted.high), abs=0.002)


def test_a_wider_spread_of_seeds_widens_the_interval():
    widths = []
    for spread in (0.0, 0.02, 0.1):
        values = [(0.4, 0.5 + spread * d, seed) for seed, d in enumerate((-1, 0, 1))]
        tables = [observed(np.full(9, s), "standard", seed) for s, _, seed in values]
        tables += [observed(np.full(9, r), "robust", seed) for _, r, seed in values]
        row = effects(pd.concat(tables)).iloc[0]
        widths.append(row["high"] - row["low"])
    assert widths == sorted(widths) and widths[0] < widths[2]


def test_the_same_whatever_the_order_of_rows():
    table = simulated(np.random.default_rng(1), 100, 2, 0.1)
    mixed = table.sample(frac=1, random_state=0).sort_values("training", kind="stable")
    pd.testing.assert_frame_equal(effects(table), effects(mixed))


def test_holm_is_over_the_architectures_of_one_comparison():
    rng, tables = np.random.default_rng(2), []
    for architecture, effect in (("AlexNet", 0.3), ("GoogLeNet", 0.06), ("ResNet", 0.0)):
        tables.append(simulated(rng, 300, 1, effect, architecture=architecture))
    found = effects(pd.concat(tables))
    assert found["p_holm"].to_numpy() == pytest.approx(holm(found["p"].to_numpy()))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_nor_changes_their_order(p):
    corrected = holm(np.array(p))
    assert (corrected >= np.array(p)).all() and (corrected <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


def test_a_constant_may_be_what_a_level_is_held_against():
    table = observed([1] * 30 + [0] * 10)
    row = against_constant(table, 0.5, of=("standard",)).iloc[0]
    assert (row["against"], row["effect"], row["versus"]) == ("0.5", 0.25, 0.5)
    assert row["low"] > 0
    assert list(outcomes(against_constant(table, 0.5, ("standard",)), -1)) == ["reversed"]


def test_levels_are_means_over_seeds_with_their_spread():
    tables = [observed([1, 1, 1, 0], seed=0), observed([1, 1, 0, 0], seed=1)]
    row = levels(pd.concat(tables)).iloc[0]
    assert (row["value"], row["n"], row["seeds"]) == (0.625, 4, 2)
    assert row["sd"] == pytest.approx(np.std([0.75, 0.5], ddof=1))
    assert np.isnan(levels(tables[0])["sd"].iloc[0])


def test_the_bootstrap_of_a_ratio_is_that_of_the_shape_bias():
    """The observation table's interval against the one drawn from three counts."""
    shape, texture, other = 60, 110, 80
    value = [1] * shape + [0] * (texture + other)
    weight = [1] * (shape + texture) + [0] * other
    row = levels(observed(value, weight=weight), draws=10_000).iloc[0]
    wanted = bootstrap_interval(shape, texture, other)
    assert (row["low"], row["high"]) == pytest.approx(wanted, abs=0.006)


# Outcomes


def effect(effect=0.2, low=0.1, high=0.3, p_holm=0.01, chance=np.nan, value=0.5, versus=0.3):
    return {"effect": effect, "low": low, "high": high, "p_holm": p_holm, "chance": chance,
            "value_low": value, "versus_low": versus}  # fmt: skip


CASES = {
    "above, as expected": (effect(), 1, "reproduced"),
    "above, below expected": (effect(), -1, "reversed"),
    "below, as expected": (effect(-0.2, -0.3, -0.1), -1, "reproduced"),
    "0 in the interval": (effect(low=-0.01), 1, "undecided"),
    "touches 0": (effect(low=0.0), 1, "undecided"),
    "lost by Holm": (effect(p_holm=0.06), 1, "undecided"),
    "both at chance": (effect(chance=0.6), 1, "at chance"),
    "one above chance": (effect(chance=0.4), 1, "reproduced"),
    "no number": (effect(effect=np.nan), 1, "not tested"),
    "no interval": (effect(low=np.nan, high=np.nan, p_holm=np.nan), 1, "not tested"),
}


@pytest.mark.parametrize(("row", "expected", "outcome"), CASES.values(), ids=CASES)
def test_an_outcome_is_one_of_five(row, expected, outcome):
    found = outcomes(pd.DataFrame([row]), expected)
    assert list(found) == [outcome]
    assert outcome in OUTCOMES


def test_numbers_that_are_objects_have_the_same_outcomes():
    """So are the columns of tables that were put together with empty ones."""
    known = {"effect": 0.2, "low": 0.1, "high": 0.3, "p_holm": 0.01, "value_low": 0.5,
             "versus_low": 0.4, "chance": np.nan}  # fmt: skip
    table = pd.DataFrame([known, dict.fromkeys(known, np.nan)]).astype(object)
    assert list(outcomes(table, 1)) == ["reproduced", "not tested"]


def test_no_effects_no_outcomes():
    assert outcomes(effects(observed([1])), 1).empty


# Simulated experiments


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "seeds", "spread"), [(200, 1, 0.0), (200, 3, 0.0), (200, 3, 0.06)], ids=str
)
def test_intervals_cover_a_known_effect(n, seeds, spread):
    """At least 93 of 100 in 1,000 simulated experiments; the share is printed."""
    rng, covered, experiments = np.random.default_rng([n, seeds]), 0, 1000
    for _ in range(experiments):
        row = effects(simulated(rng, n, seeds, 0.15, spread), draws=500).iloc[0]
        covered += row["low"] <= 0.15 <= row["high"]
    print(f"n {n}, {seeds} seeds of spread {spread}: {covered / experiments:.3f}")
    assert covered / experiments >= 0.93


@pytest.mark.slow
def test_without_an_effect_few_verdicts_are_wrong():
    rng, wrong, experiments = np.random.default_rng(5), 0, 400
    for _ in range(experiments):
        tables = [simulated(rng, 200, 1, 0.0, architecture=a) for a in ("A", "B", "C")]
        found = outcomes(effects(pd.concat(tables), draws=500), 1)
        wrong += found.isin(["reproduced", "reversed"]).any()
    assert wrong / experiments <= 0.08  # 5 in 100 is meant; 2.7 standard errors
