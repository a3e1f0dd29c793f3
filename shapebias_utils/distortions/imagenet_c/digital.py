"""ImageNet-C's digital corruptions and changes of colour (Hendrycks & Dietterich 2019)."""

from io import BytesIO

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

from .blur import gaussian


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(255 * image).astype(np.uint8))


def _values(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32) / 255


def brightness(image: np.ndarray, constants: float, generator: np.random.Generator) -> np.ndarray:
    """The image with so much more of V in HSV, at most 1; hue and saturation stay.

    Which scales a pixel's values by the same factor, and makes black grey.
    """
    value = image.max(axis=2, keepdims=True)
    lighter = (value + np.float32(constants)).clip(max=1)
    return np.where(value > 0, image * lighter / value.clip(min=1e-6), lighter)


def saturate(
    image: np.ndarray, constants: tuple[float, float], generator: np.random.Generator
) -> np.ndarray:
    """The image with its S in HSV times the first constant plus the second, between 0 and 1.

    What is grey has no hue, for which red is taken, as scikit-image does.
    """
    factor, offset = map(np.float32, constants)
    value = image.max(axis=2, keepdims=True)
    lack = value - image  # V S times a factor that only depends on the hue
    saturation = lack.max(axis=2, keepdims=True) / value.clip(min=1e-6)
    wanted = (saturation * factor + offset).clip(0, 1)
    red = value * np.array([0, 1, 1], np.float32)
    lack = np.where(saturation > 0, lack / saturation.clip(min=1e-6), red)
    return value - lack * wanted


def contrast(image: np.ndarray, constants: float, generator: np.random.Generator) -> np.ndarray:
    """The image with so much of its differences from the mean of each channel."""
    mean = image.mean(axis=(0, 1))
    return (image - mean) * np.float32(constants) + mean


def pixelate(image: np.ndarray, constants: float, generator: np.random.Generator) -> np.ndarray:
    """The image shrunk to that share of its size, by means over boxes, and enlarged again."""
    height, width = image.shape[:2]
    small = (max(1, int(width * constants)), max(1, int(height * constants)))
    shrunk = _picture(image).resize(small, Image.Resampling.BOX)
    return _values(shrunk.resize((width, height), Image.Resampling.NEAREST))


def jpeg_compression(
    image: np.ndarray, constants: int, generator: np.random.Generator | None = None
) -> np.ndarray:
    """The image as a JPEG file of that quality shows it.

    Everything in the published ImageNet-C has besides been through quality 85.
    """
    file = BytesIO()
    _picture(image).save(file, "JPEG", quality=constants)
    return _values(Image.open(file))


def elastic_transform(
    image: np.ndarray, constants: tuple[float, float, float], generator: np.random.Generator
) -> np.ndarray:
    """The image stretched and turned, then distorted as rubber, both at random.

    (alpha, sigma) of the displacements: noise blurred by sigma, times alpha; and how far three
    points of the image are moved, at most, by the affine map. All in pixels.
    """
    alpha, sigma, reach = constants
    height, width = image.shape[:2]
    centre, arm = np.array([height // 2, width // 2]), min(height, width) // 3
    # As (x, y), which they are to OpenCV, though height comes first: the same for square images.
    points = centre + arm * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = points + generator.uniform(-reach, reach, points.shape)
    back = np.linalg.solve(np.c_[moved, np.ones(3)], points)  # (x, y, 1) moved -> (x, y)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    image = bilinear(image, *(x * back[0, i] + y * back[1, i] + back[2, i] for i in (1, 0)))
    across, down = (
        alpha * gaussian(generator.uniform(-1, 1, (height, width)), sigma, "reflect", 3.0)
        for _ in range(2)
    )
    return bilinear(image, y + down, x + across, mode="reflect")


def bilinear(
    image: np.ndarray, rows: np.ndarray, columns: np.ndarray, mode: str = "mirror"
) -> np.ndarray:
    """The image at these places, between pixels linearly; beyond its edges as `mode` of SciPy."""
    at = np.stack([rows, columns])
    channels = [map_coordinates(image[..., c], at, order=1, mode=mode) for c in range(3)]
    return np.stack(channels, axis=-1)
