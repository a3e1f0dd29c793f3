"""ImageNet (ILSVRC 2012): your copy under ``data/raw/imagenet``, as the paper's networks see it.

``train`` and ``val`` hold one folder per class, named by its WNID (n01440764, ...); the rank of a
WNID among all 1,000, sorted, is the label. ``val`` may instead be flat, as it is published
(ILSVRC2012_val_00000001.JPEG, ...), with the labels beside it in ``val_labels.csv``: columns
`imagename` and `label`, the same 0 to 999 (and not the ILSVRC ids of the development kit, which
are in another order).
"""

from pathlib import Path
from pkgutil import resolve_name

from ..attacks import Attack
from ..categories import IMAGENET_CLASSES
from ..paths import RAW
from . import Dataset, ImageSet, Origin
from .broden import broden
from .cue_conflict import read_stimuli
from .image_folders import labelled_images
from .imagenet_c import ARCHIVES, LABELLED, N_CLASSES, SIZE, imagenet_c

RESIZE = 256

_HOW = "get it from https://image-net.org/download-images (registration; research use)"
_WHERE = "put or link it there, or set SHAPEBIAS_RAW to the folder that holds it"


def imagenet(split: str) -> ImageSet:
    """The images of a split: "train", "validation" or "cue_conflict" (see :func:`read_stimuli`).

    Evaluation takes the central 224 x 224 pixels of the image, its shorter side resized to 256;
    `augment` is ``augmentation.augmented``. `category` is the one of the 16 that the class belongs
    to, "" where there is none. The digest is of names, labels and file sizes: to read 1.3 million
    files would take an hour. FileNotFoundError names the folder that is missing and where the
    images come from; ValueError an unknown split, or what is wrong in a folder.
    """
    if split == "cue_conflict":
        return released_stimuli()
    if split not in ("train", "validation"):
        raise ValueError(f"unknown split {split!r}; choose one of train, validation, cue_conflict")
    folder = RAW / "imagenet" / {"train": "train", "validation": "val"}[split]
    if not folder.is_dir():
        raise FileNotFoundError(f"no ImageNet at {folder}: {_HOW}, and {_WHERE}")
    labels = folder.with_name("val_labels.csv")
    return labelled_images(
        folder, labels if split == "validation" else None, split, resize=RESIZE, **LABELLED
    )


def _stimuli_folders() -> tuple[Path, Path]:
    """A folder of the stimuli, or a clone of their repository."""
    return RAW / "cue_conflict", RAW / "texture-vs-shape"


def released_stimuli() -> ImageSet:
    """The stimuli of Geirhos et al., at their own size; FileNotFoundError says how they come."""
    first, clone = _stimuli_folders()
    folder = next((f for f in (first, clone) if f.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(
            f"no cue-conflict stimuli at {first}: `git clone --depth 1 "
            f"https://github.com/rgeirhos/texture-vs-shape {clone}` brings them, or give a "
            "folder of them as the parameter `stimuli`"
        )
    return read_stimuli(folder)


def stimuli_origin() -> Origin:
    """Where the stimuli lie, of whatever dataset they are."""
    first, clone = _stimuli_folders()
    command = "git clone --depth 1 https://github.com/rgeirhos/texture-vs-shape"
    detail = "1,280 stimuli; CC BY 4.0; git commit ccd0c01, results know their bytes"
    return Origin("cue-conflict stimuli", first if first.is_dir() else clone, command, detail)


def origins() -> list[Origin]:
    """The folders of yours that this dataset reads."""
    page = "https://image-net.org/download-images (registration; research use)"
    return [
        Origin(
            "imagenet validation", RAW / "imagenet" / "val", page,
            "6.7 GB; research use; ILSVRC2012_img_val.tar has MD5 29b22e2961454d5413ddabcf34fc5622",
        ),
        Origin(
            "imagenet train", RAW / "imagenet" / "train", page,
            "148 GB; research use; ILSVRC2012_img_train.tar has MD5 "
            "1d675b47d978889d74fa0da5fadfb00e",
        ),
        *(
            Origin(
                f"imagenet-c {archive}", RAW / "imagenet-c" / names[0],
                f"shapebias fetch imagenet_c_{archive}",
                ", ".join(names),
            )
            for archive, names in ARCHIVES.items()
        ),
        Origin(
            "broden", RAW / "broden1_224", "shapebias fetch broden",
        ),
        stimuli_origin(),
    ]  # fmt: skip


DATASET = Dataset(
    name="imagenet",
    title="ImageNet",
    size=SIZE,
    n_classes=N_CLASSES,
    category_classes=IMAGENET_CLASSES,
    images=imagenet,
    attack=Attack(eps=3.0, step_size=0.5, steps=7),
    eps_grid=(0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
    networks=lambda: resolve_name("shapebias_utils.networks.zoo:ALL"),
    recipes=lambda: resolve_name("shapebias_utils.training.recipes:IMAGENET"),
    origins=origins,
    concepts=broden,
    corrupted=imagenet_c,
)
