"""Rendering a pictogram, and its concepts, beside reading it from a PNG file."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image
from timing import row, seconds

from shapebias_utils.datasets.pictograms.annotate import annotate
from shapebias_utils.datasets.pictograms.render import factors, render

IMAGES = 24


def rows() -> Iterator[dict]:
    drawn = [factors("validation", i) for i in range(IMAGES)]
    took, images = seconds(lambda: [render(f) for f in drawn])
    files = []
    for image in images:
        file = BytesIO()
        Image.fromarray(image.transpose(1, 2, 0)).save(file, "PNG")
        files.append(file.getvalue())
    read, _ = seconds(lambda: [np.asarray(Image.open(BytesIO(f))) for f in files])
    each = f"{1000 * took / IMAGES:.1f} ms an image"
    yield row("an image", "reading it as PNG", took / IMAGES, read / IMAGES, None, each)
    labelled, _ = seconds(lambda: [annotate(f) for f in drawn])
    yield row("its concepts", "rendering it", labelled / IMAGES, took / IMAGES)


if __name__ == "__main__":
    for found in rows():
        print(found)
