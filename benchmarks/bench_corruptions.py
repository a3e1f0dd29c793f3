"""Milliseconds of each of ImageNet-C's corruptions on one image, by severity and size, and beside
imagecorruptions, the published code as a package.

Prints a row a corruption, the fastest of some runs on one core; the median row is what counts.
"""

import argparse
import os
import time
from collections.abc import Iterator

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy reads them

import numpy as np  # noqa: E402
from timing import left_out, row  # noqa: E402

from shapebias_utils.distortions.imagenet_c import CORRUPTIONS, SEVERITIES, corrupt  # noqa: E402


def milliseconds(name: str, severity: int, image: np.ndarray, repeats: int) -> float:
    """The fastest of some runs, in processor time, after one that fills the caches."""
    best = np.inf
    for _ in range(repeats + 1):
        began = time.process_time()
        corrupt(image, severity, np.random.default_rng(0), name=name)
        best = min(best, time.process_time() - began)
    return 1000 * best


def picture(size: int) -> np.ndarray:
    """Smooth and noisy at once, as photographs are; some corruptions depend on it."""
    i, j = np.mgrid[:size, :size] / size
    noise = np.random.default_rng(0).normal(0, 0.1, (size, size, 3))
    return (np.stack([i, j, (i + j) / 2], -1) + noise).clip(0, 1).astype(np.float32)


def rows(size: int = 224, severity: int = 3, repeats: int = 1) -> Iterator[dict]:
    """A row a corruption."""
    image = picture(size)
    try:
        from imagecorruptions import corrupt as theirs
    except ImportError:
        yield left_out(f"19 corruptions at {size} px", "imagecorruptions", "it is not installed")
        theirs = None
    for name in CORRUPTIONS:
        took, other, note = milliseconds(name, severity, image, repeats) / 1000, None, ""
        try:
            pixels, best = (255 * image).astype(np.uint8), np.inf
            for _ in range(repeats + 1 if theirs else 0):
                began = time.process_time()
                theirs(pixels, corruption_name=name, severity=severity)
                other = best = min(best, time.process_time() - began)
        except (AttributeError, TypeError) as error:  # it was written for older NumPy, scikit-image
            note = f"theirs fails here: {error}"
        target = None if other is None else 1.0
        yield row(f"{name}, {size} px", "imagecorruptions", took, other, target, note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 224], help="pixels a side")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, fastest kept")
    chosen = parser.parse_args()
    for size in chosen.sizes:
        image = picture(size)
        print(f"{size} px, ms an image{'':5}" + "".join(f"{s:8}" for s in SEVERITIES) + "    mean")
        means = []
        for name, (title, _) in CORRUPTIONS.items():
            row = [milliseconds(name, severity, image, chosen.repeats) for severity in SEVERITIES]
            means.append(np.mean(row))
            print(f"{title:24}" + "".join(f"{v:8.1f}" for v in (*row, means[-1])))
        print(f"{'median, mean':24}{np.median(means):8.1f}{np.mean(means):8.1f}\n")


if __name__ == "__main__":
    main()
