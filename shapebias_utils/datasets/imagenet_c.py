"""ImageNet-C (Hendrycks & Dietterich 2019) on disk: validation images as published, corrupted.

Your copy under ``data/raw/imagenet-c``: ``<corruption>/<severity>/<WNID>/*.JPEG``, of 224 x 224
pixels, named as the validation images that they were made from.
"""

from ..categories import IMAGENET_CLASSES
from ..paths import RAW
from . import ImageSet
from .image_folders import labelled_images

SIZE, N_CLASSES = 224, 1000

CATEGORY_OF = {i: category for category, classes in IMAGENET_CLASSES.items() for i in classes}
"""Class -> its category, for the 207 classes that have one."""

LABELLED = {
    "n_classes": N_CLASSES,
    "categories": tuple(CATEGORY_OF.get(i, "") for i in range(N_CLASSES)),
    "size": SIZE,
}
"""How the classes of ILSVRC 2012 lie on disk, for ``image_folders.labelled_images``."""

ORIGIN = "https://zenodo.org/records/2235448"

ARCHIVES = {
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "extra": ("gaussian_blur", "saturate", "spatter", "speckle_noise"),
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "weather": ("brightness", "fog", "frost", "snow"),
}
"""Archive, as it is published -> the corruptions in it."""


def imagenet_c(corruption: str, severity: int) -> ImageSet:
    """The published images of a corruption at a severity from 1 to 5, as they are: not resized.

    `label` is the rank of the folder's WNID, as for ImageNet itself. FileNotFoundError names the
    folder that is missing and the archive that it comes in; ValueError what is wrong in a folder.
    """
    archive = next((a for a, names in ARCHIVES.items() if corruption in names), None)
    if archive is None:
        known = ", ".join(name for names in ARCHIVES.values() for name in names)
        raise ValueError(f"ImageNet-C has no corruption {corruption!r}; choose one of {known}")
    folder = RAW / "imagenet-c" / corruption / str(severity)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no ImageNet-C at {folder}: get {archive}.tar from {ORIGIN} and unpack it in "
            f"{RAW / 'imagenet-c'}"
        )
    if not any(folder.iterdir()):
        raise ValueError(f"{folder} is empty: unpack {archive}.tar again ({N_CLASSES} folders)")
    return labelled_images(folder, None, f"imagenet-c-{corruption}-{severity}", **LABELLED)
