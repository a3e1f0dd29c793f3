"""Shape and Texture scores are those of zeroing every channel in full forward passes."""

import functools
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.by_hand import CAT, COLOURS, DOG, ByHand, by_hand, image_set, stimuli

from shapebias_utils import results
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.cue_conflict import read_stimuli
from shapebias_utils.hooks import ablate
from shapebias_utils.measures.ablation import scores as ablation
from shapebias_utils.measures.ablation.suffix import Suffix
from shapebias_utils.networks import Network, get_network
from shapebias_utils.networks.normalised import normalised
from shapebias_utils.paths import ROOT

REAL = ROOT.parent / "shared" / "data"
WEIGHTS = REAL / "networks" / "squeezenet1_1_caffe.pth"
COUNTS = ["unit", "shape_score", "texture_score", "shape", "texture"]
MARGINS = ["images", "shape_margin", "shape_margin_se", "texture_margin", "texture_margin_se",
           "shape_gap", "texture_gap"]  # fmt: skip


def by_full_passes(network: Network, images: ImageSet, layer: str, units=None) -> pd.DataFrame:
    """The plain loop: a hook for each channel, all images, and what `scores` should be."""
    module = network.load()
    x = images.load(range(len(images))).to(memory_format=torch.channels_last)
    names = images.table["imagename"]
    cues = names.str.extract(r"([a-z]+)\d+-([a-z]+)\d+\.")
    seen = {}

    def decide():
        with torch.no_grad():
            logits = module(x)
        p, logs = logits.softmax(1).numpy(), logits.double().log_softmax(1).numpy()
        own = [list(network.mapping()[c]) for c in CATEGORIES]
        means = [np.logaddexp.reduce(logs[:, c], 1) - np.log(len(c)) for c in own]
        said = np.argmax([p[:, c].mean(1) for c in own], axis=0)
        return np.array(CATEGORIES)[said], np.stack(means, 1)

    target = module.get_submodule(network.layers[layer])
    handle = target.register_forward_hook(lambda m, i, o: seen.update(channels=o.shape[1]))
    before, logs = decide()
    handle.remove()
    conflict = cues[0] != cues[1]
    by = {"shape": conflict & (before == cues[0]), "texture": conflict & (before == cues[1])}
    rows = []
    for unit in range(seen["channels"]) if units is None else units:
        handle = target.register_forward_hook(
            lambda m, i, o, unit=unit: torch.cat([o[:, :unit], 0 * o[:, unit : unit + 1],
                                                  o[:, unit + 1 :]], 1)
        )  # fmt: skip
        after, without = decide()
        handle.remove()
        changed = {cue: (own & (after != before)) for cue, own in by.items()}
        flipped = {
            n: [b, a]
            for n, b, a, is_in in zip(names, before, after, changed["shape"] | changed["texture"],
                                      strict=True)
            if is_in
        }  # fmt: skip
        counts = [*(c.sum() for c in changed.values()), *(own.sum() for own in by.values())]
        margins = [conflict.sum()]
        for cue in (0, 1):  # above the best of neither, over all images whose cues conflict
            change = np.array([
                towards(logs[i], cues[cue][i], set(cues.loc[i]))
                - towards(without[i], cues[cue][i], set(cues.loc[i]))
                for i in np.flatnonzero(conflict)
            ])  # fmt: skip
            margins += [change.mean(), change.std() / np.sqrt(len(change))]
        for own in by.values():  # above all others, over the images decided so
            pairs = [(logs[i], without[i], before[i]) for i in np.flatnonzero(own)]
            change = [towards(b, said, {said}) - towards(a, said, {said}) for b, a, said in pairs]
            margins.append(np.mean(change) if change else np.nan)
        rows.append([unit, *counts, *margins, flipped])
    return pd.DataFrame(rows, columns=[*COUNTS, *MARGINS, "flipped"])


def towards(logs: np.ndarray, category: str, left_out: set[str]) -> float:
    """The log score of a category above the best of those that are not left out."""
    others = [value for c, value in zip(CATEGORIES, logs, strict=True) if c not in left_out]
    return logs[CATEGORIES.index(category)] - max(others)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, apart: float = 1e-3) -> None:
    """The very same counts and images; margins but for rounding (`apart`, in nats)."""
    assert found[COUNTS].to_numpy().tolist() == expected[COUNTS].to_numpy().tolist()
    flipped = [[json.loads(f) if isinstance(f, str) else f for f in t["flipped"]]
               for t in (found, expected)]  # fmt: skip
    assert flipped[0] == flipped[1]
    margins = [table[MARGINS].to_numpy(float) for table in (found, expected)]
    assert margins[0] == pytest.approx(margins[1], abs=apart, rel=1e-3, nan_ok=True)


@pytest.mark.parametrize(
    "name, layers, n",
    [
        ("AlexNet", ["conv1", "conv3", "conv5"], 16),
        ("GoogLeNet-R", ["conv2", "inception4e", "inception5b"], 12),
        ("ResNet", ["conv1", "layer1", "layer4"], 8),
    ],
)
def test_trained_networks_against_the_plain_loop(name, layers, n):
    network, images, flipped = get_network(name, "pictograms"), stimuli(n), 0
    for layer in layers:
        found = ablation.scores(network, images, layer=layer)
        assert found["layer"].eq(layer).all()
        assert_same(found, by_full_passes(network, images, layer))
        flipped += found["texture_score"].sum() + found["shape_score"].sum()
    assert flipped > 0


# --- networks by hand -----------------------------------------------------------------------------


def test_decisions_that_hang_on_one_channel():
    table = ablation.scores(by_hand(), image_set(COLOURS), layer="relu")
    assert list(table.columns) == ["layer", *COUNTS, *MARGINS, "flipped"]
    assert table[COUNTS].to_numpy().tolist() == [
        [0, 1, 1, 1, 2],
        [1, 0, 1, 1, 2],
        [2, 0, 0, 1, 2],
        [3, 0, 0, 1, 2],
    ]
    found = ablation.flips(table)
    assert found.to_numpy().tolist() == [
        ["relu", 0, "cat1-dog1.png", "shape", "cat", "dog"],
        ["relu", 0, "dog1-cat1.png", "texture", "cat", "car"],
        ["relu", 1, "cat2-dog2.png", "texture", "dog", "cat"],
    ]
    assert list(found.columns) == ["layer", "unit", "imagename", "cue", "before", "after"]


def test_a_channel_that_is_always_zero_changes_nothing():
    table = ablation.scores(by_hand(), image_set(COLOURS), layer="relu").set_index("unit")
    assert table.loc[3, ["shape_score", "texture_score", "flipped"]].tolist() == [0, 0, "{}"]


def test_zeroing_all_channels_is_zeroing_the_layer():
    module, x = ByHand(), image_set(COLOURS).load(range(5))
    with ablate(module, "relu", range(4)):
        found = module(x)
    assert torch.equal(found, module.say.bias.expand(5, -1))


def test_images_of_which_none_is_decided_by_a_cue():
    few = image_set({"oven1-bear1.png": (0.9, 0, 0), "cat1-cat1.png": (0.9, 0, 0)})
    table = ablation.scores(by_hand(), few, layer="relu")
    assert table[COUNTS[1:]].to_numpy().sum() == 0 and len(table) == 4
    assert ablation.flips(table).empty


CLOSE = {"cat1-dog1.png": (0.53, 0.5, 0.0), "dog2-cat2.png": (0.53, 0.5, 0.0)}
"""Cat by the largest of its classes and by their sum; by their mean, which halves it, dog."""

DECIDED = {  # decision -> shape_score, texture_score of red (then dog) and of green (then cat)
    "mean": [[0, 0], [1, 1]],
    "max": [[1, 1], [0, 0]],
    "sum": [[1, 1], [0, 0]],
}


@pytest.mark.parametrize("decision", DECIDED)
def test_decisions_by_categories_of_several_classes(decision):
    """The arg max of classes is not that of their means: cat has two classes, one of them low."""
    module, images = ByHand(), image_set(CLOSE)
    several = {c: (i,) for i, c in enumerate(CATEGORIES)} | {"cat": (CAT, CATEGORIES.index("boat"))}
    network = Network("ByHand", lambda: module, dataset="pictograms", layers={"relu": "relu"},
                      n_classes=16, category_classes=several)  # fmt: skip
    table = ablation.scores(network, images, layer="relu", decision=decision)
    assert table[["shape_score", "texture_score"]].to_numpy().tolist()[:2] == DECIDED[decision]
    if decision == "mean":
        assert_same(table, by_full_passes(network, images, "relu"))
        several = ablation.scores(network, image_set(COLOURS), layer="relu")
        assert_same(several, by_full_passes(network, image_set(COLOURS), "relu"))


# --- rounding, near-ties, suffixes that fail ------------------------------------------------------


def disturbed(monkeypatch, by: float) -> None:
    """Suffixes whose logits are off by so much of the largest: up for dog, down for cat."""
    exact = Suffix.without

    def without(self, values, channels):
        logits = exact(self, values, channels).clone()
        error = by * logits.abs().amax(1)
        logits[:, DOG] += error
        logits[:, CAT] -= error
        return logits

    monkeypatch.setattr(Suffix, "without", without)


TIE = {"cat1-dog1.png": (0.5 + 2e-6, 0.5, 0.9), "dog2-cat2.png": (0.9, 0.1, 0.0)}
"""Without blue, or the channel that is zero in one of them, the first is still a cat, barely."""


def test_a_near_tie_is_decided_by_the_whole_network(monkeypatch):
    network, images = by_hand(), image_set(TIE)
    expected = by_full_passes(network, images, "relu")
    assert expected["shape_score"].tolist() == [1, 0, 0, 0], "cat's red, and nothing else"
    disturbed(monkeypatch, 5e-5)
    assert_same(ablation.scores(network, images, layer="relu"), expected)
    judge = ablation._Run.judge
    monkeypatch.setattr(ablation._Run, "judge", lambda *a: trusting(*judge(*a)))
    turned = ablation.scores(network, images, layer="relu")
    assert turned["shape_score"].tolist() == [1, 0, 1, 0], "what the suffix alone would say"


def trusting(after, unsure, closest):
    """Of `judge`, as if no decision was too close."""
    return after, np.zeros_like(unsure), closest


def test_a_suffix_that_is_off_by_more_than_rounding_is_not_trusted(monkeypatch):
    network, images = by_hand(), image_set(COLOURS)
    disturbed(monkeypatch, 0.5)
    with pytest.warns(UserWarning, match=r"ByHand, relu: .*full forward passes.*off by"):
        table = ablation.scores(network, images, layer="relu")
    assert_same(table, by_full_passes(network, images, "relu"))


class Loud(ByHand):
    """The same decisions from logits a hundred times as large."""

    def forward(self, x):
        return 100 * super().forward(x)


def test_rounding_is_judged_by_the_size_of_the_logits(monkeypatch):
    network, images = by_hand(Loud), image_set(COLOURS)
    expected = by_full_passes(network, images, "relu")
    disturbed(monkeypatch, 3e-5)
    found = ablation.scores(network, images, layer="relu")  # and no warning
    assert_same(found, expected, apart=0.1)  # a margin is as far off as the logits are


def test_how_close_a_decision_is():
    run = ablation._Run(by_hand(), ByHand(), "relu", "mean", size=4)
    logits = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))
    decided, gap = run.decide(logits)
    second, first = logits.sort(1).values[:, -2:].T
    assert gap == pytest.approx((first - second).numpy(), abs=1e-5)
    assert decided.tolist() == [CATEGORIES[i] for i in logits.argmax(1)]


class Untraceable(ByHand):
    def forward(self, x):
        return super().forward(x if x.mean() > 0 else -x)


def test_a_network_that_cannot_be_traced_takes_full_passes_and_says_so():
    images = image_set(COLOURS)
    with pytest.warns(UserWarning, match="torch.fx cannot trace it"):
        table = ablation.scores(by_hand(Untraceable), images, layer="relu")
    pd.testing.assert_frame_equal(table, ablation.scores(by_hand(), images, layer="relu"))


# --- one result however it is computed ------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_same_in_any_batch(batch_size):
    images, network = stimuli(20), get_network("AlexNet", "pictograms")
    expected = ablation.scores(network, images, layer="conv5")
    found = ablation.scores(network, images, layer="conv5", batch_size=batch_size)
    assert_same(found, expected, apart=1e-4)


def test_the_same_where_memory_holds_few_channels(monkeypatch):
    images, network = stimuli(8), get_network("ResNet", "pictograms")
    expected = ablation.scores(network, images, layer="layer3")
    sizes, without = [], Suffix.without

    def counted(self, values, channels):
        sizes.append(len(channels))
        return without(self, values, channels)

    monkeypatch.setattr(Suffix, "without", counted)
    monkeypatch.setattr(ablation, "MEMORY", 5 * 4 * 96 * 64)  # of five such maps
    assert_same(ablation.scores(network, images, layer="layer3"), expected, apart=1e-4)
    assert 1 < max(sizes) <= 5


def test_collected_layer_by_layer_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    images, ran = image_set(COLOURS), []
    network = by_hand(relu="relu", see="see")
    scores = ablation.scores

    @functools.wraps(scores)
    def counted(*args, **given):
        ran.append(given["layer"])
        if ran == ["relu", "see"]:
            raise KeyboardInterrupt
        return scores(*args, **given)

    monkeypatch.setattr(ablation, "scores", counted)
    with pytest.raises(KeyboardInterrupt):
        ablation.collect([network], images)
    table = ablation.collect([network], images)
    assert ran == ["relu", "see", "see"], "the layer that was done is not done again"
    assert list(table.columns[:6]) == [
        "network", "architecture", "training", "seed", "layer", "unit",
    ]  # fmt: skip
    assert table["layer"].tolist() == ["relu"] * 4 + ["see"] * 4
    found = ablation.flips(table[table["layer"] == "relu"])
    assert found["after"].tolist() == ["dog", "car", "cat"]
    assert found["network"].eq("ByHand").all()


# --- wrong input, and what is left behind ---------------------------------------------------------


def test_hooks_are_gone_and_weights_untouched_also_after_an_error():
    module = ByHand().eval()
    weights = {k: v.clone() for k, v in module.state_dict().items()}
    network, images = by_hand(lambda: module), image_set(COLOURS)
    module.say.register_forward_hook(broken := Broken(4))
    with pytest.raises(ZeroDivisionError):
        ablation.scores(network, images, layer="relu", batch_size=2)
    assert broken.left == 0
    assert sum(len(m._forward_hooks) for m in module.modules()) == 1, "the test's own"
    assert all(torch.equal(v, weights[k]) for k, v in module.state_dict().items())


class Broken:
    """A hook that fails when it is called for the n-th time."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, *_):
        self.left -= 1
        if not self.left:
            raise ZeroDivisionError

    def __deepcopy__(self, memo):
        return self


@pytest.mark.parametrize(
    "network, said",
    [
        (by_hand(), r"ByHand has no probed layer 'conv9'; there are relu"),
        (Network("Bare", ByHand, dataset="pictograms"), r"Bare has no .* give its record layers="),
    ],
)
def test_a_layer_that_is_not_probed(network, said):
    with pytest.raises(ValueError, match=said):
        ablation.scores(network, image_set(COLOURS), layer="conv9")


def test_no_network_with_probed_layers():
    with pytest.raises(ValueError, match=re.escape("Network(layers=...)")):
        ablation.collect([], image_set(COLOURS))


# --- real input -----------------------------------------------------------------------------------


def squeezenet():
    from torchvision.models import squeezenet1_1

    caffe = {"mean": (104, 117, 123), "std": (1, 1, 1), "scale": 255, "bgr": True, "size": 227}
    return normalised(squeezenet1_1(), **caffe)


def test_squeezenet_on_real_stimuli_agrees_with_the_plain_loop():
    if not WEIGHTS.exists():
        pytest.skip(f"no real stimuli and weights at {REAL}")
    network = Network("SqueezeNet", squeezenet, checkpoint=WEIGHTS,
                      layers={"fire9": "network.features.12"})  # fmt: skip
    images = read_stimuli(REAL / "cue_conflict")
    images = images.subset(range(0, len(images), 12), "some")
    found = ablation.scores(network, images, layer="fire9")
    assert len(found) == 512 and found["texture"].iloc[0] > found["shape"].iloc[0] > 0
    important = (found["shape_score"] + found["texture_score"]).nlargest(4).index
    units = sorted({*important, 0, 101})
    expected = by_full_passes(network, images, "fire9", units)
    assert_same(found.iloc[units], expected)
    assert expected["texture_score"].max() > 0
