"""Each further regime does what its record says; a run that is killed ends as an unbroken one."""

import json
import math
import multiprocessing
import os
import signal
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from helpers.toy_training import ATTACK, BATCH, ROBUST, STANDARD, STEPS, toy_images, toy_network
from safetensors.torch import load_file
from torch import nn

from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.cli import main
from shapebias_utils.cli import training as command
from shapebias_utils.datasets import get_dataset
from shapebias_utils.networks import AUXILIARY, CORE, get_network, network_names
from shapebias_utils.networks.branches import TwoBranches, auxiliary, through, two_branches
from shapebias_utils.networks.checkpoints import file_hash, load_into, save
from shapebias_utils.networks.pictograms import REGIMES
from shapebias_utils.paths import ROOT
from shapebias_utils.training import loop, studies
from shapebias_utils.training.flow import Flow, moved, roughness, spatial
from shapebias_utils.training.images import images_for, mixture
from shapebias_utils.training.loop import train
from shapebias_utils.training.objectives import filter_roughness, objective
from shapebias_utils.training.recipes import (
    IMAGENET,
    PAPER,
    PICTOGRAMS,
    Recipe,
    facts_of,
    recipe_of,
    regimes,
)
from shapebias_utils.training.watch import Watch, watch_for, watched

FURTHER = regimes(PICTOGRAMS["ResNet"])


@pytest.fixture(autouse=True)
def one_thread():
    """The number of threads decides the last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def toy(recipe: Recipe) -> Recipe:
    """The regime for the toy: as it is, but short."""
    return replace(recipe, epochs=2, rate=0.1, batch_size=BATCH)


def painted(recipe: Recipe, at_augment=None):
    sets = [toy_images(at_augment, digest=paint) for paint in recipe.images]
    return mixture(sets)


WATCH = Watch(toy_images(), ATTACK)


def run(recipe: Recipe, out: Path, at_augment=None) -> None:
    start = None
    if recipe.start:
        start = out.parent / "start.safetensors"
        if not start.exists():
            torch.manual_seed(1)
            save(toy_network(), start)
    images = painted(recipe, at_augment)
    train(toy_network, images, recipe, out, seed=3, start=start)


def _until_killed(recipe: Recipe, out: Path) -> None:
    run(recipe, out, lambda call: call == STEPS + 2 and os.kill(os.getpid(), signal.SIGKILL))


ONE_OF_A_KIND = (
    "advprop-pgd1", "sin-in", "sin-and-in", "linf4", "spatial", "noise", "smooth-filters",
    "smooth-gradients", "joint",
)  # fmt: skip


@pytest.mark.parametrize(
    "training",
    [t if t in ONE_OF_A_KIND else pytest.param(t, marks=pytest.mark.slow) for t in FURTHER],
)
def test_a_killed_run_of_each_regime_ends_with_the_weights_of_an_unbroken_one(tmp_path, training):
    recipe = replace(toy(FURTHER[training]), until=None)  # that it stops is tested below
    out, unbroken = tmp_path / "killed.safetensors", tmp_path / "unbroken.safetensors"
    run(recipe, unbroken)
    # Forked, since a new interpreter takes longer to start than the toy to train.
    child = multiprocessing.get_context("fork").Process(target=_until_killed, args=(recipe, out))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert not out.exists() and len(pd.read_csv(out.with_suffix(".csv"))) == 1
    run(recipe, out)
    assert file_hash(out) == file_hash(unbroken)
    log, whole = (
        pd.read_csv(p.with_suffix(".csv")).drop(columns="seconds") for p in (out, unbroken)
    )
    pd.testing.assert_frame_equal(log, whole, check_exact=True)


# --- records --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "card", sorted((ROOT / "data/checkpoints/pictograms").glob("*.json")), ids=lambda p: p.stem
)
def test_the_cards_of_shipped_networks_are_those_of_todays_records(card):
    facts = json.loads(card.read_text())
    architecture, training, _ = card.stem.split("_")
    name = next(a for a in PICTOGRAMS if a.lower() == architecture)
    recipe = recipe_of(get_dataset("pictograms"), name, training)
    assert facts_of(facts["recipe"]) == recipe.facts()
    loop._same_run(card, facts, {"recipe": json.loads(json.dumps(asdict(recipe)))})
    if training in CORE:
        assert facts["recipe"] == recipe.facts(), "as they were written before there were regimes"
        with pytest.raises(ValueError, match="another recipe"):
            loop._same_run(card, facts, {"recipe": asdict(replace(recipe, noise=0.1))})


def test_the_regimes_are_reached_by_name_and_take_part_only_so():
    usual = network_names("pictograms")
    assert {get_network(name, "pictograms").training for name in usual} == set(CORE)
    further = set(network_names("pictograms", further=True)) - set(usual)
    assert further == {n.name for n in REGIMES}
    assert {"ResNet-AdvProp1", "ResNet-AdvProp5", "ResNet-SIN", "ResNet-SIN+IN"} <= further
    for name in further:
        network = get_network(name, "pictograms")
        own = recipe_of(
            get_dataset("pictograms"),
            network.architecture,
            network.training.removesuffix(AUXILIARY),
        )
        assert own not in PICTOGRAMS[network.architecture].values()


def test_no_two_regimes_are_the_same():
    recipes = [json.dumps(r.facts(), sort_keys=True) for r in FURTHER.values()]
    assert len(set(recipes)) == len(recipes)


@pytest.mark.parametrize("training", FURTHER)
def test_each_regime_takes_the_steps_of_its_control(training):
    """So that whoever is held against it has had as much training, and nothing else."""
    recipe, of = FURTHER[training], PICTOGRAMS["ResNet"]
    control = {None: "standard", "standard": "control", "sin": "control", "sin-and-in": "control"}
    alike = ("epochs", "batch_size", "rate", "schedule", "momentum", "weight_decay")
    for field in alike:
        assert getattr(recipe, field) == getattr(of[control[recipe.start]], field)


def test_the_strengths_of_advprop_stand_to_r_as_in_the_paper():
    eps = PICTOGRAMS["ResNet"]["robust"].attack.eps
    one, five = (FURTHER[f"advprop-pgd{n}"].attack for n in (1, 5))
    assert one.eps / eps == pytest.approx(1 / 3) and five.eps / eps == pytest.approx(5 / 3)
    assert [FURTHER[f"advprop-{n}"].attack.steps for n in ("1step", "5steps")] == [1, 5]
    published = IMAGENET["ResNet"]["robust"].attack
    for training, bound in (("advprop-pgd1", 1.0), ("advprop-pgd5", 5.0)):
        recipe = recipe_of(get_dataset("imagenet"), "ResNet", training)
        assert (recipe.attack.eps, recipe.attack.steps) == (bound, published.steps)
        assert recipe.branches and recipe.epochs == PAPER.epochs


def test_the_recipes_of_geirhos_are_theirs():
    """Their App. A.5: 60 epochs on SIN and 45 on both by thirds; 60 more at .01, then .001."""
    data = get_dataset("imagenet")
    sin, both, joint = (recipe_of(data, "ResNet", t) for t in ("sin", "sin-and-in", "sin-in-joint"))
    assert (sin.epochs, sin.rate, sin.batch_size, sin.images) == (60, 0.1, 256, ("stylized",))
    assert (both.epochs, both.images) == (45, ("natural", "stylized"))
    assert [joint.rate_at(e / 60) for e in (0, 29, 30, 59)] == pytest.approx(
        [0.01] * 2 + [0.001] * 2
    )
    assert joint.start == "sin-and-in" and recipe_of(data, "ResNet", "sin-in").start == "sin"


def test_steps_rise_with_eps():
    recipe = replace(ROBUST, attack=replace(ATTACK, steps=3), rising_steps=True)
    found = [recipe.attack_at(p) for p in (0.1, 1 / 6 + 1e-6, 0.4, 0.5, 1.0)]
    assert [a.steps for a in found] == [1, 2, 3, 3, 3]
    assert [a.eps for a in found] == pytest.approx([0.2, 1 / 3, 0.8, 1.0, 1.0], rel=1e-4)


# --- AdvProp --------------------------------------------------------------------------------------


def statistics(network: nn.Module, branch: str) -> list[torch.Tensor]:
    own = [
        m if branch == "main" else m.aux_bn for m in network.modules() if isinstance(m, TwoBranches)
    ]
    return [v.clone() for m in own for v in (m.running_mean, m.running_var)]


@pytest.mark.parametrize("branch", ["main", "auxiliary"])
def test_a_branch_is_untouched_by_the_other_branchs_images(branch):
    torch.manual_seed(0)
    network = two_branches(toy_network()).train()
    other = {"main": "auxiliary", "auxiliary": "main"}[branch]
    before, own = statistics(network, other), statistics(network, branch)
    with through(network, branch):
        network(torch.rand(8, 3, 16, 16))
    assert all(map(torch.equal, before, statistics(network, other)))
    assert not any(map(torch.equal, own, statistics(network, branch)))


def test_each_half_of_a_batch_is_seen_as_if_it_were_alone():
    """The main branch: a plain network that sees the clean half; the auxiliary: one that sees the
    other, whatever it is."""
    torch.manual_seed(0)
    plain = toy_network()
    network = two_branches(toy_network())
    network.load_state_dict(two_branches(toy_network()).state_dict() | plain.state_dict(), False)
    for module in network.modules():
        if isinstance(module, TwoBranches):
            module.aux_bn.load_state_dict(
                {k: v for k, v in module.state_dict().items() if not k.startswith("aux_bn")}
            )
    for module in (plain, network):  # dropout would draw other numbers in a batch of another size
        module[5].p = 0.0
        module.train()
    clean, worst = torch.rand(8, 3, 16, 16), 5 * torch.rand(8, 3, 16, 16)
    with through(network, "both"):
        logits = network(torch.cat([clean, worst]))
    alone = plain(clean)
    torch.testing.assert_close(logits[:8], alone)
    assert torch.equal(network[1].running_mean, plain[1].running_mean)
    plain[1].reset_running_stats()
    torch.testing.assert_close(logits[8:], plain(worst))
    torch.testing.assert_close(network[1].aux_bn.running_mean, plain[1].running_mean)


def test_advprop_attacks_the_second_half_by_way_of_the_auxiliary_branch(tmp_path, monkeypatch):
    seen, trained_on = [], []

    def spy(network, images, labels, attack, **options):
        assert not network.training
        seen.append((len(images), {m.branch for m in network.modules() if hasattr(m, "branch")}))
        return torch.zeros_like(images)

    def build():
        network = toy_network()
        network[0].register_forward_pre_hook(
            lambda layer, inputs: layer.training and trained_on.append(inputs[0])
        )
        return network

    monkeypatch.setattr(loop, "pgd", spy)
    recipe = replace(ROBUST, branches=True, ramp=0.0)
    train(build, toy_images(), recipe, tmp_path / "a.safetensors")
    assert set(map(str, seen)) == {str((BATCH // 2, {"auxiliary"}))}
    half = BATCH // 2
    assert all(x[:half].flatten(1).any(1).all() and not x[half:].any() for x in trained_on)


def test_the_file_of_advprop_holds_both_branches_and_loads_as_either(tmp_path):
    out = tmp_path / "a.safetensors"
    train(toy_network, toy_images(), replace(ROBUST, branches=True), out)
    state = load_file(out)
    assert {"1.weight", "1.running_mean", "1.aux_bn.weight", "1.aux_bn.running_mean"} <= set(state)
    assert not torch.equal(state["1.running_mean"], state["1.aux_bn.running_mean"])
    main, other = toy_network(), auxiliary(toy_network)()
    load_into(main, out)
    load_into(other, out)
    assert torch.equal(main[1].running_mean, state["1.running_mean"])
    x = torch.rand(4, 3, 16, 16)
    main.eval(), other.eval()
    assert not torch.allclose(main(x), other(x))
    main[1].load_state_dict(other[1].aux_bn.state_dict())
    assert torch.equal(main(x), other(x))
    assert "branch=auxiliary" in repr(other), "results of the two views must be told apart"


# --- attacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", ["linf2", "linf4", "linf8", "fgsm4", "fgsm8"])
def test_linf_attacks_find_the_worst_image_of_a_linear_network(training):
    """Of two classes: every pixel eps towards the other class's weights, clipped to [0, 1]."""
    attack = FURTHER[training].attack
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    x, y = torch.rand(6, 3, 8, 8), torch.tensor([0, 1] * 3)
    w = network[1].weight.detach()
    way = torch.sign(w[1 - y] - w[y]).view_as(x)
    wanted = (x + attack.eps * way).clamp(0, 1)
    torch.testing.assert_close(pgd(network, x, y, attack), wanted, atol=1e-6, rtol=0)
    levels = int(training[-1])
    assert attack.eps == levels / 255 and attack.steps == (1 if "fgsm" in training else 3)


@pytest.mark.parametrize("shape", [(16, 16), (7, 11)])
def test_without_a_flow_images_stay_as_they_are(shape):
    """The released code of Zhang & Zhu transposes them here: (row, column) for (x, y)."""
    x = torch.rand(2, 3, *shape)
    torch.testing.assert_close(moved(x, torch.zeros(2, 2, *shape)), x, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("axis", "roll"), [(0, (0, -1)), (1, (-1, 0))])
def test_a_flow_fetches_pixels_from_the_right_and_from_below(axis, roll):
    x = torch.rand(1, 3, 9, 12)
    flow = torch.zeros(1, 2, 9, 12)
    flow[:, axis] = 1.0
    wanted = x.roll(roll, (2, 3))
    found = moved(x, flow)
    torch.testing.assert_close(found[..., :-1, :-1], wanted[..., :-1, :-1], atol=1e-5, rtol=0)
    edge = (..., -1, slice(None)) if axis else (..., slice(None), -1)
    torch.testing.assert_close(found[edge], x[edge], atol=1e-5, rtol=0)


def test_the_spatial_attack_raises_the_loss_within_its_bounds(monkeypatch):
    torch.manual_seed(0)
    network = toy_network().eval().requires_grad_(False)
    images = toy_images()
    x, y = images.load(range(16)), torch.tensor(images.table["label"].to_numpy()[:16])
    flows = []
    monkeypatch.setattr(
        "shapebias_utils.training.flow.moved", lambda a, f: flows.append(f.detach()) or moved(a, f)
    )
    attack = Flow(eps=1.0, step_size=0.7, steps=4)
    worst = spatial(network, x, y, attack)
    assert F.cross_entropy(network(worst), y) > F.cross_entropy(network(x), y) + 1e-4
    assert flows[-1].abs().max() <= attack.eps and flows[-1].abs().max() > 0.7
    assert worst.min() >= 0 and worst.max() <= 1
    rising = []  # of the roughness along the second step
    for smooth in (0.0, 1.0):
        spatial(network, x, y, replace(attack, steps=2, smooth=smooth))
        first, second = flows[-2].requires_grad_(True), flows[-1]
        (way,) = torch.autograd.grad(roughness(first).sum(), first)
        rising.append((way * (second - first)).sum().item())
    assert rising[1] < rising[0]


def test_roughness_as_worked_by_hand():
    flow = torch.zeros(1, 2, 2, 2)
    flow[0, 0] = torch.tensor([[0.0, 1.0], [0.0, 3.0]])
    # Down: 0 and 2 of x, 0 of y: mean 2/4; right: 1 and 3 of x: mean 4/4.
    assert roughness(flow).item() == pytest.approx(0.5 + 1.0)


# --- penalties, noise, images ---------------------------------------------------------------------


def test_filter_roughness_as_worked_by_hand():
    network = nn.Sequential(nn.ReLU(), nn.Conv2d(1, 2, 2, bias=False), nn.Conv2d(2, 1, 2))
    with torch.no_grad():
        network[1].weight[0, 0] = torch.tensor([[1.0, 2.0], [4.0, 8.0]])
        network[1].weight[1, 0] = 5.0
    # |4-1| + |8-2| + |2-1| + |8-4| = 14, and 0 of the constant one.
    assert filter_roughness(network).item() == pytest.approx(7.0)


def test_the_gradient_penalty_is_that_of_a_linear_network():
    """Softmax regression: dL/dx = W' (p - 1_y), whatever the batch's size."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    x, y = torch.rand(5, 3, 2, 2), torch.tensor([0, 1, 2, 0, 1])
    recipe = replace(STANDARD, smooth_gradients=0.5)
    loss, logits = objective(network, network, x, y, recipe)
    slope = (logits.softmax(1) - F.one_hot(y, 3)) @ network[1].weight
    wanted = F.cross_entropy(logits, y) + 0.5 * slope.square().sum(1).mean()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    loss.backward()
    assert network[1].weight.grad.abs().max() > 0


@pytest.mark.parametrize("penalty", ["smooth_filters", "smooth_gradients"])
def test_a_penalty_makes_smooth_what_it_weighs(tmp_path, penalty):
    images, found = toy_images(), {}
    x, y = images.load(range(64)), torch.tensor(images.table["label"].to_numpy())
    for weight in (0.0, 3.0):
        recipe = replace(STANDARD, epochs=4, **{penalty: weight})
        out = tmp_path / f"{weight}.safetensors"
        network = toy_network()
        load_into(network, train(toy_network, images, recipe, out))
        plain, _ = objective(network, network, x, y, STANDARD)
        network.eval()
        with torch.no_grad():
            rough = filter_roughness(network).item()
        leaf = x.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(F.cross_entropy(network(leaf), y, reduction="sum"), leaf)
        found[weight] = {"smooth_filters": rough, "smooth_gradients": slope.norm().item()}[penalty]
        assert math.isfinite(plain.item())
    assert found[3.0] < 0.9 * found[0.0]


def test_noise_is_of_the_recipes_strength_and_keyed_by_the_step(tmp_path):
    recipe = replace(STANDARD, noise=0.3)
    x = torch.full((8, 3, 32, 32), 0.5)
    y = torch.zeros(8, dtype=torch.int64)
    one, again, other = (loop._prepared(None, x, y, recipe, None, key) for key in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert (one - x).std().item() == pytest.approx(0.3, rel=0.03)
    assert one.min() < 0, "noise is not clipped"


def test_a_mixture_shows_each_image_in_either_paint_in_the_same_crop():
    natural, inverted = toy_images(), toy_images(digest="inverted")
    dark = replace(inverted, augment=lambda rows, seed: 1 - natural.augment(rows, seed))
    both, rows = mixture([natural, dark]), list(range(64))
    found, plain = both.augment(rows, 7), natural.augment(rows, 7)
    natural_ones = (found == plain).flatten(1).all(1)
    dark_ones = (found == 1 - plain).flatten(1).all(1)
    assert (natural_ones | dark_ones).all() and 16 < natural_ones.sum() < 48
    assert torch.equal(found, both.augment(rows, 7))
    assert not torch.equal(
        natural_ones, (both.augment(rows, 8) == natural.augment(rows, 8)).flatten(1).all(1)
    )
    assert len(both) == 64 and both.digest not in (natural.digest, dark.digest)
    assert mixture([dark, natural]).digest != both.digest
    assert mixture([natural]) is natural


def test_images_that_a_dataset_cannot_paint_are_named():
    with pytest.raises(ValueError, match="imagenet cannot paint its training images 'stylized'"):
        data = replace(get_dataset("imagenet"), images=lambda split: toy_images())
        images_for(replace(PAPER, images=("natural", "stylized")), data)


# --- how a run is watched -------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [STANDARD, ROBUST], ids=["standard", "robust"])
def test_watching_changes_nothing_about_the_training(tmp_path, recipe):
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    train(toy_network, toy_images(), recipe, a, seed=5)
    train(toy_network, toy_images(), recipe, b, seed=5, watch=WATCH)
    assert file_hash(a) == file_hash(b)
    log, more = pd.read_csv(a.with_suffix(".csv")), pd.read_csv(b.with_suffix(".csv"))
    assert list(more) == [*log, "clean", "adversarial"]
    assert more["clean"].between(0, 1).all() and (more["adversarial"] <= more["clean"]).all()
    assert more["clean"].iloc[-1] > 0.5


def test_what_is_watched_is_the_accuracy_of_the_network_in_eval_mode():
    torch.manual_seed(0)
    network = toy_network()
    state = {k: v.clone() for k, v in network.state_dict().items()}
    before = torch.random.get_rng_state()
    found = watched(network, WATCH, batch_size=24)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    network.eval()
    x, y = WATCH.images.load(range(64)), torch.tensor(WATCH.images.table["label"].to_numpy())
    worst = pgd(network, x, y, ATTACK)
    with torch.no_grad():
        assert found["clean"] == (network(x).argmax(1) == y).float().mean().item()
        assert found["adversarial"] == (network(worst).argmax(1) == y).float().mean().item()


def test_a_run_is_watched_by_images_of_every_category_under_the_datasets_attack():
    images = toy_images()
    data = replace(get_dataset("pictograms"), images=lambda split: images)
    watch = watch_for(data)
    assert len(watch.images) == len(images) == 64
    assert watch.attack.eps == data.attack.eps and watch.attack.steps == 3


def test_underfit_stops_at_the_accuracy_and_stays_finished(tmp_path):
    recipe, out = replace(STANDARD, epochs=30, until=0.7), tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match="ends at an accuracy of 0.7: give it images to watch"):
        train(toy_network, toy_images(), recipe, out)
    train(toy_network, toy_images(), recipe, out, watch=WATCH)
    log = pd.read_csv(out.with_suffix(".csv"))
    assert len(log) < 30 and log["clean"].iloc[-1] >= 0.7 > log["clean"].iloc[:-1].max()
    before = out.stat().st_mtime_ns
    train(toy_network, toy_images(), recipe, out, watch=WATCH)
    assert out.stat().st_mtime_ns == before


def test_new_trainings_are_watched(tmp_path, monkeypatch):
    called = {}
    monkeypatch.setattr(studies, "train", lambda *args, **options: called.update(options))
    monkeypatch.setattr("shapebias_utils.networks.CHECKPOINTS", tmp_path)
    monkeypatch.setattr(studies, "watch_for", lambda data: data.name)
    monkeypatch.setattr(studies, "images_for", lambda recipe, data: toy_images())
    studies.train_network("AlexNet-underfit")
    assert called["watch"] == "pictograms"


def test_half_precision_keeps_both_branches(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.networks.CHECKPOINTS", tmp_path)
    network = get_network("ResNet-AdvProp1", "pictograms")
    torch.manual_seed(0)
    path = network.path()
    path.parent.mkdir()
    save(two_branches(network.build()), path)
    path.with_suffix(".json").write_text(json.dumps({"sha256": file_hash(path)}))
    monkeypatch.setattr(
        studies, "responses", lambda n, images: pd.DataFrame({"prediction": np.zeros(4)})
    )
    before = load_file(path)
    studies.round_to_half(network)
    after = load_file(path)
    assert set(after) == set(before)
    assert {v.dtype for v in after.values()} == {torch.float16, torch.int64}
    get_network("ResNet-AdvProp1-aux", "pictograms").load()


def test_an_attack_of_the_old_kind_reads_as_before():
    assert isinstance(PAPER.attack, Attack) and PAPER.attack_at(0.5) == PAPER.attack


# --- the command ----------------------------------------------------------------------------------


def test_all_regimes_are_trained_after_what_they_go_on_from(monkeypatch):
    done = []
    monkeypatch.setattr(command, "_train", lambda network, force: done.append(network.name))

    def call(*args):
        with pytest.raises(SystemExit) as ended:
            main(["train", *args])
        assert ended.value.code == 0

    call("--regimes", "--architecture", "resnet", "--seed", "4")
    assert sorted(done) == sorted(
        n.name for n in REGIMES if n.architecture == "ResNet" and AUXILIARY not in n.training
    )
    assert done.index("ResNet-SIN") < done.index("ResNet-SIN+IN")
    assert done.index("ResNet-SIN-and-IN") < done.index("ResNet-SIN+IN-joint")
    done.clear()
    call("--all")
    assert sorted(done) == sorted(network_names("pictograms")), "regimes are not among --all"


def test_a_regime_that_goes_on_from_one_that_is_published_is_trained_after_it(
    monkeypatch, tmp_path
):
    """On ImageNet what is trained here never takes the place of published weights."""
    monkeypatch.setattr("shapebias_utils.networks.CHECKPOINTS", tmp_path)
    runs = []

    def trained(build, images, recipe, out, seed, start, label):
        runs.append((out.name, start and start.name, images))
        out.parent.mkdir(exist_ok=True)
        out.write_bytes(b"weights")
        out.with_suffix(".json").write_text("{}")

    monkeypatch.setattr("shapebias_utils.training.loop.train", trained)
    monkeypatch.setattr(
        "shapebias_utils.training.images.images_for", lambda recipe, data: recipe.images
    )
    network = command._network("imagenet", "ResNet", "sin-in", 0)
    command._train(network, force=False)
    sin = "resnet_sin_seed0.safetensors"
    assert runs == [
        (sin, None, ("stylized",)),
        ("resnet_sin-in_seed0.safetensors", sin, ("natural",)),
    ]
    runs.clear()
    for path in (tmp_path / "imagenet").iterdir():
        path.unlink()
    published = get_network("ResNet-SIN", "imagenet").path()
    published.write_bytes(b"published")
    command._train(network, force=False)
    assert [run[1] for run in runs] == [published.name]
