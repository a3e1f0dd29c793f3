"""The model of costs: counted operations, passes by hand, and its predictions beside runs."""

import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from shapebias_utils import costs
from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.costs import Work, attack_passes, duration, operations, training_passes
from shapebias_utils.hardware import float32, keep_freed_memory
from shapebias_utils.networks import mini
from shapebias_utils.training.loop import train
from shapebias_utils.training.recipes import IMAGENET, Recipe


def test_operations_are_those_of_the_layers():
    def build():
        return nn.Sequential(
            nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(8, 10),
        )  # fmt: skip

    wanted = 2 * (10 * 10 * 8 * 3 * 5 * 5 + 8 * 10)
    assert operations(build, 10) == wanted
    assert operations(build, 20) == pytest.approx(4 * wanted, rel=1e-3)


def test_passes_by_hand():
    attack = Attack(eps=3.0, step_size=0.5, steps=7, use_best=False)
    assert attack_passes(attack) == 14
    assert attack_passes(replace(attack, use_best=True)) == 15, "the last image is judged too"
    assert attack_passes(replace(attack, restarts=2)) == 30
    assert training_passes(Recipe(epochs=1, rate=0.1)) == 3
    assert training_passes(IMAGENET["ResNet"]["robust"]) == 17
    assert Work("", 10, 3).seconds(operations=2e9, speed=1e9) == 60
    assert costs.speed(Work("", 10, 3), 2e9, 60) == 1e9


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.312, "0.31 seconds"), (80, "80 seconds"), (91, "1.5 minutes"), (7200, "2 hours"),
     (1e6, "12 days"), (1e8, "3.2 years")],
)  # fmt: skip
def test_durations_are_spelt_to_two_digits(seconds, text):
    assert duration(seconds) == text


def test_the_guides_tables_are_todays():
    text = costs.GUIDE.read_text()
    assert costs.filled(text) == text, "python -m shapebias_utils.costs writes them"
    assert text.count("| ResNet, ") == 2


N, BATCH = 96, 32
FORWARD = Work("forward", N, 1)
ATTACK = Attack(eps=2.5, step_size=1.0, steps=3)
ROBUST = Recipe(epochs=1, rate=0.01, batch_size=BATCH, attack=ATTACK)
RUNS = {
    "half of the images": Work("", N // 2, 1),
    "larger images": FORWARD,
    "attack": Work("", N, attack_passes(ATTACK)),
    "training": Work("", N, training_passes(replace(ROBUST, attack=None))),
    "adversarial training": Work("", N, training_passes(ROBUST)),
}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [mini.AlexNet, mini.ResNet])
def test_predictions_are_within_a_factor_of_a_half_of_runs(architecture, tmp_path, monkeypatch):
    """Calibrated by a forward pass over the images, in processor time."""
    from shapebias_utils.datasets import get_dataset

    monkeypatch.setenv("SHAPEBIAS_BF16", "0")
    keep_freed_memory()
    images = get_dataset("pictograms").images("train").subset(range(N), "some")
    x, y = images.load(range(N)), torch.tensor(images.table["label"].to_numpy())
    network = architecture().eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(x):
        with torch.no_grad():
            for part in x.split(BATCH):
                network(part.to(memory_format=torch.channels_last))

    def attack():
        for a, b in zip(x.split(BATCH), y.split(BATCH), strict=True):
            pgd(network, a.to(memory_format=torch.channels_last), b, ATTACK)

    def trained(recipe):
        for file in tmp_path.iterdir():
            file.unlink()
        train(architecture, images, recipe, tmp_path / "n.safetensors")

    jobs = {
        "half of the images": lambda: forward(x[: N // 2]),
        "larger images": lambda: forward(nn.functional.interpolate(x, size=96)),
        "attack": attack,
        "training": lambda: trained(replace(ROBUST, attack=None)),
        "adversarial training": lambda: trained(ROBUST),
    }
    each = {size: operations(architecture, size) for size in (64, 96)}
    with float32():
        for name, work in RUNS.items():
            calibration, took = seconds(lambda: forward(x), jobs[name])
            speed = costs.speed(FORWARD, each[64], calibration)
            predicted = work.seconds(each[96 if name == "larger images" else 64], speed)
            assert 1 / 1.5 < took / predicted < 1.5, name


def seconds(*jobs) -> list[float]:
    """Processor time of each job, the fastest of four runs in turn with the others: a machine that
    is busy now and idle later must not tell between them."""
    found = []
    for _ in range(4):
        for job in jobs:
            began = time.process_time()
            job()
            found.append(time.process_time() - began)
    return [min(found[i :: len(jobs)]) for i in range(len(jobs))]
