"""Training follows its recipe, and a run that is killed ends as if it had not been.

Run as a script, this module is the run that gets killed: ``test_training.py OUT AUGMENT EPOCH``
trains the toy and ends itself at that call of `augment` or after that epoch.
"""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.toy_training import ATTACK, BATCH, ROBUST, STANDARD, STEPS, toy_images, toy_network
from safetensors.torch import load_file

from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.networks.checkpoints import file_hash, save
from shapebias_utils.networks.pictograms import NETWORKS
from shapebias_utils.paths import ROOT
from shapebias_utils.training import loop
from shapebias_utils.training.loop import train
from shapebias_utils.training.recipes import IMAGENET, PAPER, PICTOGRAMS, Recipe


def end_me(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(autouse=True)
def one_thread():
    """The number of threads decides the last bits; the killed run has one as well."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run_until_killed(out: Path, augment: int = 0, epoch: int = 0) -> None:
    command = [sys.executable, __file__, out, str(augment), str(epoch)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("where", "left"),
    [
        pytest.param({"augment": 2 * STEPS + 2}, 1, id="within an epoch"),
        pytest.param({"epoch": 1}, 2, id="between epochs", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_started_again_ends_with_the_weights_of_an_unbroken_one(tmp_path, where, left):
    out, unbroken = tmp_path / "killed.safetensors", tmp_path / "unbroken.safetensors"
    run_until_killed(out, **where)
    assert not out.exists()
    calls = []
    train(toy_network, toy_images(calls.append), ROBUST, out, seed=3)
    assert len(calls) == left * STEPS, "goes on from the last complete epoch"
    train(toy_network, toy_images(), ROBUST, unbroken, seed=3)
    assert file_hash(out) == file_hash(unbroken)
    log, whole_log = (pd.read_csv(p.with_suffix(".csv")) for p in (out, unbroken))
    assert log["epoch"].tolist() == [1, 2, 3]
    pd.testing.assert_frame_equal(
        log.drop(columns="seconds"), whole_log.drop(columns="seconds"), check_exact=True
    )
    left_over = {p.name for p in tmp_path.iterdir() if p.suffix != ".lock"}
    assert left_over == {
        f"{n}.{s}" for n in ("killed", "unbroken") for s in ("safetensors", "json", "csv")
    }


def test_a_run_interrupted_in_this_process_goes_on_as_well(tmp_path):
    """The same without a kill: fast, and it shows the state that is kept between epochs."""
    out, unbroken = tmp_path / "a.safetensors", tmp_path / "b.safetensors"

    def interrupt(epoch):
        if epoch == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(toy_network, toy_images(), STANDARD, out, on_epoch=interrupt)
    assert out.with_suffix(".state.pt").exists() and not out.exists()
    assert len(pd.read_csv(out.with_suffix(".csv"))) == 1
    epochs = []
    train(toy_network, toy_images(), STANDARD, out, on_epoch=epochs.append)
    assert epochs == [1, 2]
    train(toy_network, toy_images(), STANDARD, unbroken)
    assert file_hash(out) == file_hash(unbroken)
    assert not out.with_suffix(".state.pt").exists()


def test_the_log_is_whole_after_a_kill_between_the_last_state_and_its_log(tmp_path, monkeypatch):
    out, write, logs = tmp_path / "a.safetensors", loop.atomic, []

    def killed(path):
        logs.extend([path] * (path.suffix == ".csv"))
        if len(logs) == STANDARD.epochs:
            raise KeyboardInterrupt
        return write(path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "atomic", killed)
        train(toy_network, toy_images(), STANDARD, out)
    log = out.with_suffix(".csv")
    assert len(pd.read_csv(log)) == STANDARD.epochs - 1 and not out.exists(), "no case"
    train(toy_network, toy_images(), STANDARD, out)
    assert pd.read_csv(log)["epoch"].tolist() == list(range(1, STANDARD.epochs + 1))


def test_a_run_killed_at_its_very_end_leaves_no_state_behind(tmp_path):
    out = tmp_path / "a.safetensors"
    train(toy_network, toy_images(), STANDARD, out)
    out.with_suffix(".state.pt").write_bytes(b"killed between the JSON file and this one's removal")
    train(toy_network, toy_images(), STANDARD, out)
    assert not out.with_suffix(".state.pt").exists()


def test_what_lies_beside_the_weights(tmp_path):
    out = tmp_path / "a.safetensors"
    assert train(toy_network, toy_images(), ROBUST, out, seed=5) == out
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["sha256"] == file_hash(out) and card["seed"] == 5 and card["images"] == "toy"
    assert card["recipe"] == json.loads(json.dumps(dataclasses.asdict(ROBUST)))
    assert "torch" in card["provenance"]
    log = pd.read_csv(out.with_suffix(".csv"))
    assert list(log) == ["epoch", "eps", "loss", "accuracy", "rate", "seconds"]
    assert len(log) == ROBUST.epochs


def test_a_finished_run_is_not_repeated(tmp_path):
    out, calls = tmp_path / "a.safetensors", []
    train(toy_network, toy_images(), STANDARD, out)
    before = out.stat().st_mtime_ns
    train(toy_network, toy_images(calls.append), STANDARD, out)
    assert calls == [] and out.stat().st_mtime_ns == before


def test_seeds_differ_and_a_seed_repeats(tmp_path):
    recipe = dataclasses.replace(STANDARD, epochs=1)
    a, b, c = (
        file_hash(train(toy_network, toy_images(), recipe, tmp_path / f"{n}.safetensors", seed=s))
        for n, s in (("a", 0), ("b", 0), ("c", 1))
    )
    assert a == b != c


OTHER = {
    "recipe": {"recipe": dataclasses.replace(STANDARD, rate=0.2)},
    "seed": {"seed": 1},
    "images": {"images": toy_images(digest="other")},
    "start": {"start": True},
}


@pytest.mark.parametrize("finished", [True, False], ids=["finished", "unfinished"])
@pytest.mark.parametrize(("field", "changes"), OTHER.items(), ids=OTHER)
def test_another_run_at_the_same_path_is_refused(tmp_path, field, changes, finished):
    out = tmp_path / "a.safetensors"

    def interrupt(epoch):
        if not finished:
            raise KeyboardInterrupt

    try:
        train(toy_network, toy_images(), STANDARD, out, on_epoch=interrupt)
    except KeyboardInterrupt:
        pass
    if changes.get("start"):
        changes = {"start": tmp_path / "start.safetensors"}
        save(toy_network(), changes["start"])
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"comes from another {field}") as error:
        train(toy_network, **{"images": toy_images(), "recipe": STANDARD, "out": out} | changes)
    assert str(out.stem) in str(error.value) and "\n" not in str(error.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_the_learning_rate_as_worked_by_hand():
    one_cycle = Recipe(epochs=1, rate=0.4)
    for progress, rate in ((0, 0), (0.125, 0.2), (0.25, 0.4), (0.625, 0.2), (1, 0)):
        assert one_cycle.rate_at(progress) == pytest.approx(rate, abs=1e-12)
    step = Recipe(epochs=90, rate=0.1, schedule="step")
    for epoch, rate in ((0, 0.1), (29.9, 0.1), (30, 0.01), (59.9, 0.01), (60, 0.001), (89, 0.001)):
        assert step.rate_at(epoch / 90) == pytest.approx(rate)


def test_rates_are_plain_numbers():
    """A NumPy scalar in the state would make a file that is refused when it is loaded safely."""
    assert type(Recipe(epochs=1, rate=0.4).rate_at(0.3)) is float


def test_the_attack_as_worked_by_hand():
    recipe = Recipe(epochs=1, rate=0.1, attack=Attack(eps=2.0, step_size=1.0, steps=3), ramp=0.5)
    assert recipe.attack_at(0) is None
    for progress, eps in ((0.125, 0.5), (0.25, 1.0), (0.5, 2.0), (0.75, 2.0), (1.0, 2.0)):
        a = recipe.attack_at(progress)
        assert (a.eps, a.step_size, a.steps) == pytest.approx((eps, eps / 2, 3))
    assert dataclasses.replace(recipe, ramp=0.0).attack_at(0).eps == 2.0
    assert dataclasses.replace(recipe, attack=None).attack_at(0.5) is None


def test_robust_training_uses_the_adversary_of_the_recipe(tmp_path, monkeypatch):
    """Every step from the first with eps > 0 trains on what `pgd` returns, and on nothing else."""
    seen, trained_on = [], []

    def spy(network, images, labels, attack, **options):
        assert not network.training, "the attack runs in eval mode"
        seen.append(attack)
        return torch.zeros_like(pgd(network, images, labels, attack, **options))

    def build():
        network = toy_network()

        def record(layer, inputs):
            if layer.training:
                trained_on.append(inputs[0])

        network[0].register_forward_pre_hook(record)
        return network

    monkeypatch.setattr(loop, "pgd", spy)
    train(build, toy_images(), ROBUST, tmp_path / "a.safetensors")
    steps = ROBUST.epochs * STEPS
    ramp = [min(1.0, step / (ROBUST.ramp * steps)) for step in range(1, steps)]
    assert [a.eps for a in seen] == pytest.approx([ATTACK.eps * r for r in ramp])
    assert [a.step_size for a in seen] == pytest.approx([ATTACK.step_size * r for r in ramp])
    assert len(trained_on) == steps and trained_on[0].any()
    assert not any(x.any() for x in trained_on[1:])


def test_standard_training_uses_no_adversary(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "pgd", lambda *_, **__: pytest.fail("pgd was called"))
    train(toy_network, toy_images(), STANDARD, tmp_path / "a.safetensors")


def test_training_goes_on_from_the_weights_given(tmp_path):
    start, out = tmp_path / "start.safetensors", tmp_path / "control.safetensors"
    torch.manual_seed(9)
    network = toy_network()
    save(network, start)
    still = Recipe(epochs=1, rate=0.0, batch_size=BATCH, start="standard")
    train(toy_network, toy_images(), still, out, start=start)
    found = load_file(out)
    assert all(torch.equal(found[name], value) for name, value in network.named_parameters())
    moved = dataclasses.replace(still, rate=1e-3)
    train(toy_network, toy_images(), moved, tmp_path / "moved.safetensors", start=start)
    far = [
        (load_file(tmp_path / "moved.safetensors")[n] - v).abs().max()
        for n, v in network.named_parameters()
    ]
    assert 0 < max(far) < 0.05


@pytest.mark.parametrize("recipe", [STANDARD, ROBUST], ids=["standard", "robust"])
def test_a_problem_that_can_be_learned_is_learned(tmp_path, recipe):
    out = tmp_path / "a.safetensors"
    train(toy_network, toy_images(), dataclasses.replace(recipe, epochs=8), out)
    log = pd.read_csv(out.with_suffix(".csv"))
    assert log["loss"].iloc[-1] < 0.7 * log["loss"].iloc[0]
    assert log["accuracy"].iloc[-1] > 0.8 and log["rate"].max() <= recipe.rate


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    out = tmp_path / "a.safetensors"
    with pytest.raises(FloatingPointError, match="in epoch 1: lower the rate") as error:
        train(toy_network, toy_images(), Recipe(epochs=2, rate=1e38, batch_size=BATCH), out)
    assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".lock"] == []


def test_there_is_a_recipe_for_every_network_of_every_dataset():
    assert {(n.architecture, n.training) for n in NETWORKS} == {
        (a, t) for a, recipes in PICTOGRAMS.items() for t in recipes
    }
    for architecture in ("AlexNet", "GoogLeNet", "ResNet"):
        assert set(IMAGENET[architecture]) == {"standard", "robust"}


@pytest.mark.parametrize("architecture", PICTOGRAMS)
def test_on_pictograms_robust_and_control_differ_in_the_adversary_alone(architecture):
    recipes = PICTOGRAMS[architecture]
    without = dataclasses.replace(recipes["robust"], attack=None, ramp=0.0)
    assert without == recipes["control"] and without.start == "standard"
    assert recipes["standard"].attack is None and recipes["standard"].start is None
    assert recipes["robust"].attack.eps > 0


def test_the_imagenet_recipe_is_the_papers():
    """Sec. 2: 90 epochs, rate 0.1 divided by 10 every 30, L2 PGD of eps 3, step 0.5, 7 steps."""
    assert (PAPER.epochs, PAPER.rate, PAPER.schedule, PAPER.ramp) == (90, 0.1, "step", 0)
    a = PAPER.attack
    assert (a.constraint, a.eps, a.step_size, a.steps, a.use_best) == ("2", 3.0, 0.5, 7, False)
    standard = IMAGENET["ResNet"]["standard"]
    assert standard == dataclasses.replace(PAPER, attack=None)


def test_the_digits_of_an_error_are_short():
    """A refusal names the value that differs; it must not be a wall of text."""
    with pytest.raises(ValueError) as error:
        loop._same_run(Path("a.safetensors"), {"seed": 0}, {"seed": 1})
    assert re.fullmatch(
        r"a.safetensors comes from another seed \(0, wanted 1\); .+", str(error.value)
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    last_augment, last_epoch = map(int, sys.argv[2:])
    train(
        toy_network,
        toy_images(lambda call: call == last_augment and end_me()),
        ROBUST,
        Path(sys.argv[1]),
        seed=3,
        on_epoch=lambda epoch: last_epoch and epoch + 1 == last_epoch and end_me(),
    )
