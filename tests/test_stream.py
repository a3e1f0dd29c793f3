"""The one stream under every measure: float32 whatever else is set, in batches of one size."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import attacks, hardware
from shapebias_utils.attacks import Attack
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.measures.ablation.cumulative import cumulative_ablation
from shapebias_utils.measures.ablation.scores import scores
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.dissection.masks import masks
from shapebias_utils.measures.dissection.preferred_images import preferred_images
from shapebias_utils.measures.predictions import decide, predict, responses
from shapebias_utils.measures.smoothness.activation_tv import activation_tv
from shapebias_utils.measures.smoothness.spectra import gradient_spectrum
from shapebias_utils.measures.stream import stream
from shapebias_utils.networks import Network

seen: list[tuple] = []


class Witness(nn.Module):
    """A small network that notes in which arithmetic it is run."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.relu = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()
        self.head = nn.Linear(4, 16)

    def forward(self, x):
        seen.append(arithmetic())
        return self.head(self.relu(self.convolution(x)).mean((2, 3)))


def arithmetic() -> tuple:
    return (
        torch.is_autocast_enabled("cpu"),
        torch.get_float32_matmul_precision(),
        torch.backends.mkldnn.conv.fp32_precision,
        torch.backends.cudnn.allow_tf32,
    )


FLOAT32 = (False, "highest", "ieee", False)

NETWORK = Network(
    "Witness", Witness, "pictograms", layers={"conv1": "relu"}, n_classes=len(CATEGORIES)
)


def image_set(n: int = 6) -> ImageSet:
    pixels = torch.from_numpy(np.random.default_rng(0).random((n, 3, 8, 8), dtype=np.float32))
    names = [f"{CATEGORIES[i]}1-{CATEGORIES[i + 1]}1.png" for i in range(n)]
    table = pd.DataFrame({"imagename": names, "category": CATEGORIES[:n], "label": range(n)})
    table["texture_category"] = CATEGORIES[1 : n + 1]
    return ImageSet("six", table, lambda rows: pixels[list(rows)], "digest")


def concept_set() -> ConceptSet:
    planes = np.random.default_rng(1).integers(0, 3, (6, 1, 8, 8)).astype(np.uint16)
    concepts = pd.DataFrame({"number": [1, 2], "name": ["a", "b"], "category": "object"})
    whole = np.zeros((6, 0), np.uint16)
    return ConceptSet(image_set(), concepts, lambda rows: (planes[rows], whole[rows]), "labels")


ROW = pd.DataFrame({"imagename": ["airplane1-bear1.png"], "layer": "conv1", "unit": 0,
                    "threshold": 0.1})  # fmt: skip

MEASURES = {
    "responses": lambda: responses(NETWORK, image_set()),
    "predict, attacked": lambda: predict(NETWORK, image_set(), attack=Attack(eps=1.0)),
    "decide": lambda: decide([NETWORK], image_set(), 0),
    "activation_tv": lambda: activation_tv(NETWORK, image_set()),
    "gradient_spectrum": lambda: gradient_spectrum(NETWORK, image_set()),
    "dissect": lambda: dissect(NETWORK, concept_set(), draws=2),
    "masks": lambda: masks(NETWORK, image_set(), ROW),
    "preferred_images": lambda: preferred_images(NETWORK, image_set(), k=2),
    "scores": lambda: scores(NETWORK, image_set(), layer="conv1"),
    "cumulative_ablation": lambda: cumulative_ablation(NETWORK, image_set(), counts=(0, 1)),
}


@pytest.fixture
def fast_but_coarse(monkeypatch, tmp_path):
    """A machine that claims fast bfloat16, with everything on that trades accuracy for speed."""
    from shapebias_utils import results

    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(hardware, "fast_bf16", lambda where: True)
    before = torch.get_float32_matmul_precision(), torch.backends.mkldnn.conv.fp32_precision
    torch.set_float32_matmul_precision("medium")
    torch.backends.mkldnn.conv.fp32_precision = "bf16"
    seen.clear()
    with torch.autocast("cpu", torch.bfloat16):
        yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.mkldnn.conv.fp32_precision = before[1]


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_computes_in_float32_whatever_else_is_set(fast_but_coarse, measure):
    coarse = arithmetic()
    assert coarse[0] and coarse != FLOAT32
    MEASURES[measure]()
    assert seen and set(seen) == {FLOAT32}
    assert arithmetic() == coarse  # what the user had set is there again


def test_what_a_measure_gives_does_not_depend_on_what_else_is_set(fast_but_coarse):
    coarse = responses(NETWORK, image_set(), attack=Attack(eps=1.0))
    with torch.autocast("cpu", enabled=False):
        torch.set_float32_matmul_precision("highest")
        torch.backends.mkldnn.conv.fp32_precision = "none"
        plain = responses(NETWORK, image_set(), attack=Attack(eps=1.0))
    pd.testing.assert_frame_equal(coarse, plain, check_exact=True)


def test_training_alone_uses_bfloat16():
    """The attack has the option; nothing in `measures` gives it."""
    from pathlib import Path

    package = Path(attacks.__file__).parent
    users = {
        p.relative_to(package).parts[0] for p in package.rglob("*.py") if "bf16=" in p.read_text()
    }
    assert users <= {"training", "attacks.py"}


def test_batches_are_of_one_size_and_results_cut_to_the_rows():
    images, sizes = image_set(5), []

    def forward(x, rows):
        sizes.append((tuple(x.shape), x.dtype, list(rows)))
        return {"sum": x.sum((1, 2, 3)), "row": torch.tensor(rows)}

    found = list(stream(images, forward, rows=[4, 0, 2], batch_size=2))
    shape = (2, 3, 8, 8)
    assert sizes == [(shape, torch.float32, [4, 0]), (shape, torch.float32, [2, 2])]
    assert [rows for rows, _ in found] == [[4, 0], [2]]
    assert torch.cat([f["row"] for _, f in found]).tolist() == [4, 0, 2]
    expected = images.load([4, 0, 2]).sum((1, 2, 3))
    torch.testing.assert_close(torch.cat([f["sum"] for _, f in found]), expected)
    assert list(stream(images, forward, rows=[])) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_load_the_same_and_an_error_stays_one_line(monkeypatch, workers):
    monkeypatch.setenv("SHAPEBIAS_WORKERS", str(workers))
    images = image_set()
    found = torch.cat([x for _, x in stream(images, lambda x, rows: x.clone(), batch_size=2)])
    assert found.equal(images.load(range(6)))

    def broken(rows):
        raise ValueError("three.png is cut at the end: get it again")

    from dataclasses import replace

    with pytest.raises(ValueError, match=r"^three.png is cut at the end: get it again$"):
        list(stream(replace(images, load=broken), lambda x, rows: x))
