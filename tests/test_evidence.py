"""Effects over seeds are kept, found again, and preferred to those of one seed."""

from types import SimpleNamespace

import pandas as pd
import pytest

from shapebias_utils import results
from shapebias_utils.measures import evidence, statistics
from shapebias_utils.measures.evidence import levels_kept, over_seeds, with_seeds
from shapebias_utils.paths import ROOT

SHARES = {"standard": 0.3, "robust": 0.7, "control": 0.3}


def observed(networks, data):
    """Ten images of each network, of which a share by its training is right."""
    tables = [
        pd.DataFrame(
            {"unit": [f"{i}.png" for i in range(10)], "weight": 1.0,
             "value": [float(i < 10 * SHARES[n.training]) for i in range(10)]}
        ).assign(quantity="accuracy", network=n.name, architecture=n.architecture,
                 training=n.training, seed=n.seed)
        for n in networks
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A dataset of two architectures and two seeds, whose evidence is made."""
    networks = [
        SimpleNamespace(name=f"{a}-{t}", architecture=a, training=t, seed=s,
                        path=lambda: ROOT, checkpoint_hash=lambda: "0" * 64)
        for a in ("AlexNet", "ResNet") for t in SHARES for s in (0, 1)
    ]  # fmt: skip
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(evidence, "_networks", lambda dataset, seeds: networks)
    by = {(n.name, n.seed): n for n in networks}

    def network(name, dataset, seed):
        if (name, seed) not in by:
            raise ValueError(f"there is no {name}")
        return by[name, seed]

    monkeypatch.setattr(evidence, "get_network", network)
    module = SimpleNamespace(observations=observed)
    monkeypatch.setattr(evidence, "_module", lambda _: module)
    monkeypatch.setattr(evidence, "EVIDENCE", {"03": "x", "05": "y"})
    return SimpleNamespace(name="toy", networks=networks, by=by, most=0, module=module)


def of_one_seed(data):
    return statistics.effects(observed([n for n in data.networks if n.seed == 0], data))


def test_effects_over_seeds_stand_in_for_those_of_one(data):
    over_seeds(data)
    one = of_one_seed(data)
    assert set(one["seeds"]) == {1}
    for notebook in ("03", "05"):
        both = with_seeds(notebook, data, one)
        assert set(both["seeds"]) == {2} and len(both) == len(one)
    assert set(with_seeds("04", data, one)["seeds"]) == {1}, "nothing is kept of this notebook"


def test_a_notebook_is_added_to_what_is_kept_and_replaced_in_it(data):
    over_seeds(data, ["03"])
    kept = over_seeds(data, ["05"])
    assert sorted(set(kept["notebook"])) == ["03", "05"]
    assert len(over_seeds(data, ["05"])) == len(kept)


def test_of_one_architecture_the_others_stay_and_holm_is_over_both(data):
    over_seeds(data, ["03"], ["AlexNet"])
    both = with_seeds("03", data, of_one_seed(data))
    assert both.set_index("architecture")["seeds"].to_dict() == {"AlexNet": 2, "ResNet": 1}
    for _, own in both.groupby("against"):
        wanted = statistics.holm(own["p"].to_numpy(float))
        assert own["p_holm"].to_numpy(float) == pytest.approx(wanted)
    kept = over_seeds(data, ["03"], ["ResNet"])
    assert set(kept["architecture"]) == {"AlexNet", "ResNet"}


def test_effects_of_other_weights_are_not_taken(data, monkeypatch):
    over_seeds(data)
    for network in data.networks:
        network.checkpoint_hash = lambda: "1" * 64
    assert set(with_seeds("03", data, of_one_seed(data))["seeds"]) == {1}


def test_other_weights_of_one_architecture_leave_what_is_kept_of_the_others(data):
    over_seeds(data)
    for network in data.networks:
        if network.architecture == "ResNet":
            network.checkpoint_hash = lambda: "1" * 64
    both = with_seeds("03", data, of_one_seed(data))
    assert both.set_index("architecture")["seeds"].to_dict() == {"AlexNet": 2, "ResNet": 1}


@pytest.mark.parametrize(
    "now, seeds",
    [
        ({"path": lambda: ROOT, "checkpoint_hash": lambda: "2" * 64}, 2),
        ({"path": lambda: ROOT, "checkpoint_hash": lambda: "3" * 64}, 1),
        ({"path": lambda: ROOT / "absent"}, 2),
        (None, 1),
    ],
    ids=["as it was", "trained anew", "not shipped", "unknown by now"],
)
def test_further_networks_that_a_notebook_looks_at_count_by_their_weights_too(data, now, seeds):
    further = SimpleNamespace(name="ResNet-AdvProp", architecture="ResNet", seed=0,
                              path=lambda: ROOT, checkpoint_hash=lambda: "2" * 64)  # fmt: skip
    data.by["ResNet-AdvProp", 0] = further
    data.module.looks_at = lambda networks: [*networks, further]
    over_seeds(data)
    del data.by["ResNet-AdvProp", 0]
    if now:
        data.by["ResNet-AdvProp", 0] = SimpleNamespace(**now)
    both = with_seeds("03", data, of_one_seed(data))
    assert both.set_index("architecture")["seeds"].to_dict() == {"AlexNet": 2, "ResNet": seeds}


def test_of_some_notebooks_the_quantities_themselves_are_kept_with_their_spread(data):
    over_seeds(data)
    kept = levels_kept("05", data)
    assert len(kept) == 2 * len(SHARES) and (kept["seeds"] == 2).all()
    robust = kept[kept["training"] == "robust"]
    assert robust["value"].tolist() == [0.7, 0.7] and robust["sd"].tolist() == [0, 0]
    assert levels_kept("03", data).empty, "its table is kept by another study"
    over_seeds(data, ["05"], ["ResNet"])
    assert len(levels_kept("05", data)) == len(kept)
    for network in data.networks:
        network.checkpoint_hash = lambda: "1" * 64
    assert levels_kept("05", data).empty


def test_a_quick_look_does_not_take_what_is_kept_of_all_images(data):
    over_seeds(data)
    few, one = SimpleNamespace(**vars(data) | {"most": 20}), of_one_seed(data)
    assert set(with_seeds("03", data, one)["seeds"]) == {2}
    assert set(with_seeds("03", few, one)["seeds"]) == {1}
