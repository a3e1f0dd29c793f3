"""ViT, Swin and ConvNeXt go through the measures of the notebooks as convolutional networks do."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.published import SIDE, SMALL, randomised

from shapebias_utils import results
from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.datasets.image_files import to_tensor
from shapebias_utils.hooks import ablate
from shapebias_utils.measures import predictions, saliency, schema
from shapebias_utils.measures.ablation import scores as ablation
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.dissection.receptive_fields import receptive_fields
from shapebias_utils.measures.shape_bias import shape_bias
from shapebias_utils.measures.smoothness import activation_tv, filter_tv, noise_gain, spectra
from shapebias_utils.measures.stream import activations
from shapebias_utils.networks import Network, adapters
from shapebias_utils.networks.adapters.probing import layers_of
from shapebias_utils.networks.presets import Preset, seen_through

CUES = (("cat", "dog"), ("dog", "cat"), ("truck", "cat"), ("bird", "boat"))
NAMES = tuple(f"{shape}{i}-{texture}1.png" for i, (shape, texture) in enumerate(CUES))


@pytest.fixture(autouse=True)
def own_results(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)


def network(name: str) -> Network:
    """The small network of that architecture with random weights, as an adapter records it."""

    def build() -> torch.nn.Module:
        return randomised(SMALL[name]())

    found = adapters.Published(
        build=build, weights=Path("nowhere"), mean=(0.5,) * 3, std=(0.5,) * 3, side=SIDE,
        fixed=name != "ConvNeXt", preset=Preset("upside down", upside_down), order=None,
        licence="ours",
    )  # fmt: skip
    layers = layers_of(build(), SIDE)
    return Network(
        name=f"small:{name}",
        build=lambda: adapters._built(found, layers),
        architecture=name,
        layers={layer.name: layer.where for layer in layers},
        preset=found.preset,
    )


def upside_down(image) -> torch.Tensor:
    return to_tensor(image).flip(1)


def images(n: int = 4) -> ImageSet:
    x = (255 * torch.rand(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))).round()
    table = pd.DataFrame(CUES[:n], columns=["category", "texture_category"])
    table = table.assign(imagename=NAMES[:n], label=range(n))
    return ImageSet("some", table, lambda rows: x[list(rows)] / 255, "some")


@pytest.mark.parametrize("name", SMALL)
def test_attacks_and_decisions(name):
    """Notebooks 01 to 04: an attack raises the loss, and each image gets a category."""
    own, attack = network(name), Attack(eps=1.0, step_size=0.5, steps=3)
    clean = predictions.responses(own, images())
    attacked = predictions.responses(own, images(), attack=attack)
    module, labels = own.load(), torch.arange(4)
    assert not clean.equals(attacked)
    x = images().load(range(4))
    there = pgd(module, x, labels, attack, list(NAMES))
    losses = [torch.nn.functional.cross_entropy(module(k), labels).item() for k in (x, there)]
    assert losses[1] > losses[0]
    bias = shape_bias(predictions.collect([own], images()))
    assert bias["n"].item() == 4


@pytest.mark.parametrize("name", SMALL)
def test_smoothness(name):
    """Notebook 05, at every layer: kernels, maps, noise, gradients."""
    own = network(name)
    kernels = filter_tv.kernels([own])
    assert (kernels["anisotropic"][kernels["height"] > 1] > 0).all()
    tv = activation_tv.activation_tv(own, images())
    noise = noise_gain.noise_power(own, images(), deviations=(0.08,))
    assert set(tv["layer"]) == set(noise["layer"]) == set(own.layers)
    assert (noise[["signal", "noise"]] > 0).all(axis=None)
    assert np.isfinite(spectra.gradient_spectrum(own, images()).select_dtypes("number")).all(
        axis=None
    )


@pytest.mark.parametrize("method", saliency.METHODS)
@pytest.mark.parametrize("name", SMALL)
def test_saliency(name, method):
    """Notebook 09: every method, and Grad-CAM from the last probed layer too, shows something."""
    settings = {"samples": 2} if method == "smoothgrad" else {}
    for rows, maps in saliency.saliency(network(name), images(2), method=method, **settings):
        assert rows == [0, 1] and maps.shape[-2:] == (SIDE, SIDE)
        assert maps.isfinite().all() and maps.abs().amax((1, 2, 3)).gt(0).any()


@pytest.mark.filterwarnings("ignore:where the receptive fields")
@pytest.mark.filterwarnings("ignore:.*each channel takes full forward passes")
@pytest.mark.parametrize("name", SMALL)
def test_dissection_and_ablation_where_activations_are_maps(name):
    """Notebooks 06 and 07: a score a channel, and a channel's as by zeroing it by hand."""
    own = network(name)
    shapes = {k: v.shape[1] for _, maps in activations(own, images(1)) for k, v in maps.items()}
    concepts = get_dataset("pictograms").concepts("").subset(range(4), "few")
    labelled = dissect(own, concepts, draws=2)
    units = labelled.groupby("layer")["unit"].nunique()
    assert units.to_dict() == shapes
    layer = list(own.layers)[-1]
    table = ablation.scores(own, images(), layer=layer, units=(0, 3)).set_index("unit")
    module, x = own.load(), images().load(range(4))
    with torch.no_grad(), ablate(module, own.layers[layer], 3):
        without = ablation.log_scores(module(x), own.mapping())
    with torch.no_grad():
        whole = ablation.log_scores(module(x), own.mapping())
    assert table.loc[3, "shape_margin"] == pytest.approx(margin(whole) - margin(without), abs=1e-4)
    assert set(receptive_fields(own, images(1))) == set(own.layers)


def margin(scores: np.ndarray) -> float:
    """Of the shape's category above the best that is neither cue's, in the mean over images."""
    found = []
    for row, (shape, texture) in zip(scores, CUES, strict=True):
        others = [s for s, c in zip(row, CATEGORIES, strict=True) if c not in (shape, texture)]
        found.append(row[CATEGORIES.index(shape)] - max(others))
    return float(np.mean(found))


def test_stimuli_are_seen_natively_or_by_the_preset_and_results_say_which():
    own, stimuli = network("ConvNeXt"), images()
    (preset,) = seen_through([own], "preset")
    native, turned = (predictions.collect([n], stimuli) for n in (own, preset))
    assert set(native["condition"]) == {"some"} and set(turned["condition"]) == {"some-preset"}
    assert (own.name, preset.name) == ("small:ConvNeXt", "small:ConvNeXt (preset)")
    with torch.no_grad():
        said = own.load()(stimuli.load(range(4)).flip(2)).softmax(1).amax(1)
    assert turned["confidence"].to_numpy() == pytest.approx(said.numpy(), abs=2e-6)
    assert (native["confidence"] - said.numpy()).abs().max() > 5e-6
    assert seen_through([preset], "preset") == [preset]
    with pytest.raises(ValueError, match="choose native or preset"):
        seen_through([own], "resized")
    with pytest.raises(ValueError, match="pictogram has no preset"):
        seen_through([Network(name="pictogram", build=torch.nn.Identity)], "preset")


def test_trials_are_kept_in_files_of_model_vs_human_and_read_again(tmp_path):
    own = network("ConvNeXt")
    trials = predictions.collect([own, *seen_through([own], "preset")], images())
    trials = trials.assign(stimuli_transform=["native"] * 4 + ["preset"] * 4)
    names = [path.name for path in schema.write_trials(trials, tmp_path)]
    assert names == [
        "cue-conflict_small-ConvNeXt_session_1.csv",
        "cue-conflict_small-ConvNeXt--preset-_session_1.csv",
    ]
    for name in names:
        assert list(pd.read_csv(tmp_path / name))[:8] == list(schema.SCHEMA)
    keys = ["network", "imagename"]
    columns = [*keys, "object_response", "condition", "training", "stimuli_transform"]
    again, wanted = (
        table[columns].astype(str).sort_values(keys, ignore_index=True)
        for table in (schema.read_trials(tmp_path), trials)
    )
    assert again.equals(wanted)
    with pytest.raises(ValueError, match="would be that of small:ConvNeXt and of small/ConvNeXt"):
        schema.write_trials(trials.replace("small:ConvNeXt (preset)", "small/ConvNeXt"), tmp_path)
