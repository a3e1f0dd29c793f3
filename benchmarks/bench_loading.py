"""Decoding JPEG files by one and two worker processes, for a network that takes no time.

Counted from the first batch on, when the processes have started. What a worker hands over lies in
shared memory, whose pages both sides fetch from the kernel. Where that is slow, as on virtual
machines, reading a batch costs this process as much as decoding it costs a worker, so that two
cores are busy with one worker already.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from timing import left_out, row

from shapebias_utils.datasets.image_files import photographs
from shapebias_utils.hardware import cores
from shapebias_utils.measures.stream import stream

IMAGES, BATCH = 768, 16


def rows() -> Iterator[dict]:
    if cores() < 2:
        yield left_out("JPEG files by 2 workers", "by 1", "there is one core")
        return
    rng, took = np.random.default_rng(0), {}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i:03d}.jpg" for i in range(IMAGES)]
        for path in paths[:16]:
            small = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8))
            small.resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=90)
        for i, path in enumerate(paths[16:]):
            os.link(paths[i % 16], path)
        images = photographs(paths)
        for workers in (1, 2):
            os.environ["SHAPEBIAS_WORKERS"] = str(workers)
            began = 0.0
            for _ in stream(images, lambda x, rows: x[:, 0, 0], batch_size=BATCH):
                began = began or time.perf_counter()
            took[workers] = time.perf_counter() - began
        del os.environ["SHAPEBIAS_WORKERS"]
    rates = [(IMAGES - BATCH) / seconds for seconds in took.values()]
    note = "{:.0f} and {:.0f} images a second".format(*rates)
    yield row("JPEG files by 2 workers", "by 1", took[2], took[1], 1.6, note)


if __name__ == "__main__":
    for found in rows():
        print(found)
