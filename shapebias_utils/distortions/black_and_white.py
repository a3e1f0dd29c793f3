"""B&W images: binary, and with smooth outlines where potrace draws them."""

import shutil
import subprocess
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from . import Distortion


def thresholded(image: np.ndarray, level: float) -> np.ndarray:
    """White where the mean of red, green and blue reaches `level`, else black.

    What potrace sees before it traces.
    """
    white = image.mean(axis=2, dtype=np.float64) >= level
    return np.repeat(white[..., None], 3, axis=2).astype(np.float32)


def _potrace() -> str:
    program = shutil.which("potrace")
    if program is None:
        raise FileNotFoundError(
            "potrace, which traces B&W images, is not installed: `apt-get install potrace` (or "
            "brew, conda) brings it; black_and_white_untraced needs no program"
        )
    return program


@cache
def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.partition(". ")[0]  # "potrace 1.16"


def traced(image: np.ndarray, level: float) -> np.ndarray:
    """The image binarised at `level`, its outlines traced by potrace and drawn anti-aliased.

    Chen et al. draw potrace's SVG by librsvg; here potrace draws by itself, which is faster and
    differs by half a grey level of 255 on average. FileNotFoundError where potrace is not
    installed.
    """
    program = _potrace()
    height, width, _ = image.shape
    # -G 1: in proportion to the area that is covered, as librsvg draws; potrace's own is 2.2.
    pixels = (255 * image).round().astype(np.uint8).tobytes()
    done = subprocess.run(
        [program, "-b", "pgm", "-G", "1", "-k", str(level), "-o", "-", "-"],
        input=b"P6 %d %d 255\n" % (width, height) + pixels,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed: {done.stderr.decode()}")
    drawn = Image.open(BytesIO(done.stdout)).convert("RGB")
    return np.asarray(drawn, np.float32) / 255


DISTORTIONS = (
    Distortion(
        name="black_and_white",
        title="B&W",
        apply=lambda image, level, generator: traced(image, level),
        levels=(0.5,),
        axis="threshold",
        reference="Chen et al., Sec. 3.2.2: potrace",
        needs=lambda: _version(_potrace()),
    ),
    Distortion(
        name="black_and_white_untraced",
        title="B&W (untraced)",
        apply=lambda image, level, generator: thresholded(image, level),
        levels=(0.5,),
        axis="threshold",
        reference="Chen et al., Sec. 3.2.2, without the tracing of outlines",
    ),
)
