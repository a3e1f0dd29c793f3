"""Each measure on so many images, twice and four times as many: time is linear, memory flat.

A ratio is the wanted time (four times that of the first) over the measured one, or the memory of
the process after the first over that after the last.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from timing import row

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
IMAGES = 32


def rows() -> Iterator[dict]:
    from helpers.every_measure import MEASURES

    from shapebias_utils import results
    from shapebias_utils.hardware import keep_freed_memory

    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        results.RESULTS = Path(folder)
        for name, measure in MEASURES.items():
            n = IMAGES // 4 if name in ("scores", "cumulative_ablation") else IMAGES
            measure(n // 2)  # what is loaded once is loaded
            took, most = [], []
            for times in (1, 2, 4):
                began = time.process_time()
                measure(times * n)
                took.append(time.process_time() - began)
                most.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            said = f"{n}, {2 * n} and {4 * n} images: " + ", ".join(f"{t:.2f} s" for t in took)
            yield row(f"{name}: time", "linear", took[2], 4 * took[0], 0.8, said)
            said = "at most " + ", ".join(f"{m / 2**20:.2f} GB" for m in most)
            yield row(f"{name}: memory", "flat", most[2], most[0], 0.9, said)


if __name__ == "__main__":
    for found in rows():
        print(found)
