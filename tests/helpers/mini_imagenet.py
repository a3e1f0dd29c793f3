"""ImageNet in miniature: everything that ``dataset=imagenet`` reads, where and as it is published.

A photograph a category and a few of none, the same in ImageNet-C, cue-conflict stimuli, a Broden of
a few images, and torchvision's three architectures with random weights, S and R, in the formats
that their checkpoints come in. Their last layers alone are fitted, so that every photograph is
labelled correctly by some: what is about correctly labelled images must not go without any.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from helpers import checkpoint_files as files
from shapebias_utils.categories import CATEGORIES, IMAGENET_CLASSES
from shapebias_utils.datasets.broden_export import export_broden
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.datasets.image_files import load_images
from shapebias_utils.datasets.image_folders import ImageSet
from shapebias_utils.datasets.imagenet_c import ARCHIVES
from shapebias_utils.networks import zoo
from shapebias_utils.networks.normalised import unwrapped
from shapebias_utils.paths import DATA

OF_NONE = (0, 109, 500, 999)
"""Classes that belong to none of the 16 categories."""

LABELS = (*OF_NONE, *(classes[0] for classes in IMAGENET_CLASSES.values()))

OWN = """
from dataclasses import replace
from shapebias_utils.networks import get_network, register

for name in ("AlexNet", "GoogLeNet", "ResNet"):  # the files are others than the published ones
    register(replace(get_network(name, "imagenet"), name=f"{name}-S", sha256=None))
"""
"""A file for the parameter `own_networks`: S, whose published hashes random weights do not have."""


@dataclass(frozen=True)
class Mini:
    """The folder that holds it all, and what tells the package so."""

    folder: Path

    @property
    def own_networks(self) -> Path:
        return self.folder / "own_networks.py"

    def environment(self) -> dict[str, str]:
        names = ("RAW", "CHECKPOINTS", "RESULTS", "FIGURES", "BUILD")
        return {f"SHAPEBIAS_{name}": str(self.folder / name.lower()) for name in names}


def make(folder: Path) -> Mini:
    """All of it under the folder; some 20 s of a core and 800 MB."""
    rng, raw = np.random.default_rng(0), folder / "raw"
    paths = list(_validation(rng, raw / "imagenet"))
    _imagenet_c(paths, raw / "imagenet-c")
    _stimuli(rng, raw / "cue_conflict")
    export_broden(_concepts(rng), raw / "broden1_224")
    photographs = load_images(paths, 256, 224)
    (folder / "checkpoints" / "imagenet").mkdir(parents=True)
    for network in zoo.NETWORKS:
        write_checkpoint(network, photographs, folder / "checkpoints" / network.checkpoint)
    shutil.copytree(DATA / "results" / "imagenet", folder / "results" / "imagenet")
    mini = Mini(folder)
    mini.own_networks.write_text(OWN)
    return mini


# --- images ---------------------------------------------------------------------------------------


def photograph(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Coloured noise of all scales, as photographs have it."""
    pixels = np.zeros((height, width, 3))
    for scale in (4, 16, 64):
        small = Image.fromarray(rng.integers(0, 256, (scale, scale, 3), np.uint8))
        pixels += np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)) / 3
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def wnid(label: int) -> str:
    return f"n{1_000_000 + 7 * label:08d}"


def _validation(rng: np.random.Generator, folder: Path) -> Iterator[Path]:
    """Flat, as published, the labels beside it; of several sizes."""
    (folder / "val").mkdir(parents=True)
    rows = []
    for i, label in enumerate(LABELS, 1):
        path = folder / "val" / f"ILSVRC2012_val_{i:08d}.JPEG"
        photograph(rng, 300 + 4 * i, 380 - 3 * i).save(path, quality=90)
        rows.append((path.name, label))
        yield path
    pd.DataFrame(rows, columns=["imagename", "label"]).to_csv(
        folder / "val_labels.csv", index=False
    )


def _imagenet_c(paths: list[Path], folder: Path) -> None:
    """19 corruptions, 5 severities, 1,000 synsets; what is done to the images is darkening.

    All corruptions are one, since 95,000 folders take minutes to come and to go.
    """
    small = load_images(paths, 256, 224).permute(0, 2, 3, 1).numpy()
    first, *others = (name for names in ARCHIVES.values() for name in names)
    for severity in range(1, 6):
        place = folder / first / str(severity)
        place.mkdir(parents=True)
        for label in range(1000):
            (place / wnid(label)).mkdir()
        for path, label, image in zip(paths, LABELS, small, strict=True):
            dark = Image.fromarray((255 * image * (1 - 0.1 * severity)).astype(np.uint8))
            dark.save(place / wnid(label) / path.name, quality=85)
    for corruption in others:
        (folder / corruption).symlink_to(folder / first, target_is_directory=True)


def _stimuli(rng: np.random.Generator, folder: Path) -> None:
    """One of each shape with the next category's texture, and two without a conflict."""
    for i, shape in enumerate(CATEGORIES):
        (folder / shape).mkdir(parents=True)
        textures = [CATEGORIES[(i + 1) % 16], *([shape] if i < 2 else [])]
        for texture in textures:
            photograph(rng, 224, 224).save(folder / shape / f"{shape}1-{texture}1.png")


def _concepts(rng: np.random.Generator, n: int = 12) -> ConceptSet:
    """Images of 224 pixels, labels of 112: colours everywhere, blobs of objects and of parts; a
    scene or a texture for the whole."""
    kinds = {"color": 11, "object": 8, "part": 6, "material": 4, "scene": 3, "texture": 5}
    rows = [(kind, f"{kind} {i}") for kind, count in kinds.items() for i in range(count)]
    table = pd.DataFrame(rows, columns=["category", "name"])
    table.insert(0, "number", range(1, len(table) + 1))
    numbers = {kind: own["number"].to_numpy() for kind, own in table.groupby("category")}
    coarse = [
        rng.choice(np.r_[numbers[kind], [0] * empty], (n, 7, 7)).repeat(16, 1).repeat(16, 2)
        for kind, empty in (("color", 0), ("object", 8), ("part", 12), ("material", 8))
    ]
    planes = np.stack(coarse, 1).astype(np.uint16)
    whole = np.array([[rng.choice(numbers[("scene", "texture")[i % 2]])] for i in range(n)])
    pixels = np.stack([np.asarray(photograph(rng, 224, 224)) for _ in range(n)])
    names = pd.DataFrame({"imagename": [f"b{i:02d}.png" for i in range(n)]})

    def load(rows: list[int]) -> Tensor:
        return torch.from_numpy(pixels[list(rows)]).permute(0, 3, 1, 2) / 255

    images = ImageSet("broden", names.assign(label=-1, category=""), load, "broden")
    take = lambda rows: (planes[list(rows)], whole[list(rows)].astype(np.uint16))  # noqa: E731
    return ConceptSet(images, table, take, "broden")


# --- checkpoints ----------------------------------------------------------------------------------


def write_checkpoint(network: zoo.Network, photographs: Tensor, path: Path) -> None:
    """Of random weights, in the format that the network's own checkpoint is published in."""
    torch.manual_seed(len(network.name))
    module = network.build()
    fit(module, photographs, torch.tensor(LABELS))
    ours = unwrapped(module)
    if network.training == "standard":
        write, heads = PUBLISHED[network.architecture]
        write(_with_heads(ours) if heads else ours, path)
        return
    theirs, key, legacy = ROBUST[network.architecture]
    theirs = theirs()
    renamed = {k.replace("classifier.6.", "last_layer."): v for k, v in ours.state_dict().items()}
    state = renamed if hasattr(theirs, "last_layer") else ours.state_dict()
    missing, unknown = theirs.load_state_dict(state, strict=False)
    assert not unknown and all(k.startswith("aux") for k in missing)
    files.save_robustness(files.attacker_model(theirs), path, key, legacy)


PUBLISHED = {
    "AlexNet": (files.legacy, False),
    "GoogLeNet": (files.plain, True),
    "ResNet": (files.before_counters, False),
}
"""How torchvision's files are written, and whether auxiliary heads are in them."""

ROBUST = {
    "AlexNet": (lambda: files.robustness("alexnet")(), "model", True),
    "GoogLeNet": (files.googlenet, "state_dict", False),
    "ResNet": (lambda: files.robustness("resnet50")(), "model", False),
}
"""The library's architecture, the key of its weights, and whether the file is in PyTorch's old
form."""


def _with_heads(googlenet: nn.Module) -> nn.Module:
    full = files.googlenet()
    full.load_state_dict(googlenet.state_dict(), strict=False)
    return full


def fit(module: nn.Module, photographs: Tensor, labels: Tensor) -> None:
    """Set the batch norms by the photographs, and the last layer to say the nearest one's label."""
    last = [m for m in module.modules() if isinstance(m, nn.Linear)][-1]
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        elif isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
            nn.init.uniform_(part.bias, -0.2, 0.2)
    seen: list[Tensor] = []
    hook = last.register_forward_hook(lambda m, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        module.train()(photographs)
        module.eval()(photographs)
        hook.remove()
        features = seen[-1] - seen[-1].mean(0)
        features /= features.square().sum(1).mean().sqrt() / 4
        last.weight.zero_()
        last.bias.fill_(-30)
        last.weight[labels] = features
        offset = (features * seen[-1].mean(0)).sum(1) + features.square().sum(1) / 2
        last.bias[labels] = -offset
