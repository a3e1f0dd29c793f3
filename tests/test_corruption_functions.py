"""ImageNet-C's corruptions are those that were published: numbers, quirks and independent code."""

import io
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian as skimage_gaussian
from skimage.transform import estimate_transform, warp

from shapebias_utils.datasets import get_dataset
from shapebias_utils.distortions import distort, distorted, get_distortion
from shapebias_utils.distortions.imagenet_c import (
    CONSTANTS,
    CORRUPTIONS,
    KEPT_BYTES,
    MAIN,
    SEVERITIES,
    constants_of,
    corrupt,
    corrupted,
)
from shapebias_utils.distortions.imagenet_c import blur as blur
from shapebias_utils.distortions.imagenet_c import digital as digital
from shapebias_utils.distortions.imagenet_c import noise as noise
from shapebias_utils.distortions.imagenet_c import weather as weather

PUBLISHED = pd.read_csv(Path(__file__).parent / "oracles" / "golden_corruptions.csv")
DETERMINISTIC = list(PUBLISHED["corruption"].unique())
ALL = list(CORRUPTIONS)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(size: int = 224) -> np.ndarray:
    """The image that the golden numbers are of, uint8; for another size its upper left corner."""
    i, j = np.mgrid[:size, :size]
    planes = (
        (i * 2 + j) % 256,
        ((i // 16 + j // 16) % 2) * 160 + (i * j) % 64,
        ((i - 112) ** 2 + (j - 112) ** 2) // 100 % 256,
    )
    return np.stack(planes, -1).astype(np.uint8)


def smooth(size: int = 64, seed: int = 0) -> np.ndarray:
    """A colourful image without sharp edges, float32 in [0, 1], 8 bits deep."""
    small = rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((size, size), 3), np.float32) / 255


def floats(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255


# --- numbers of others ----------------------------------------------------------------------------

TOLERANCE = {"defocus_blur": 0.4}
"""In grey levels, else 0.05. A disk leaves ramps as they are, and theirs come out a rounding error
below whole numbers, that is, one level lower."""


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_deterministic_corruptions_are_those_of_the_published_code(name):
    before, allowed = picture(), TOLERANCE.get(name, 0.05)
    for row in PUBLISHED[PUBLISHED["corruption"] == name].itertuples():
        after = 255 * distort(floats(before), name, row.severity)
        assert after.mean() == pytest.approx(row.mean, abs=allowed)
        assert np.abs(after - before).mean() == pytest.approx(row.mean_abs_diff, abs=allowed)
        assert after.std() == pytest.approx(row.std, abs=0.15)


# --- independent code -----------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1, 6, 40])
def test_a_gaussian_is_scikit_images(sigma):
    for image in (floats(picture(61)), smooth(40)[..., 0]):
        wanted = skimage_gaussian(image, sigma, channel_axis=-1 if image.ndim == 3 else None)
        np.testing.assert_allclose(blur.gaussian(image, sigma), wanted, atol=2e-6)


@pytest.mark.parametrize("factor", [1, 1.01, 1.31, 2.25, 4.5])
def test_enlarging_is_scipys_zoom_of_the_centre(factor):
    image = floats(picture(65))
    crop = int(np.ceil(65 / factor))
    top = (65 - crop) // 2
    large = zoom(image[top : top + crop, top : top + crop], (factor, factor, 1), order=1)
    cut = (len(large) - 65) // 2
    wanted = large[cut : cut + 65, cut : cut + 65]
    np.testing.assert_allclose(blur.zoomed(image, factor), wanted, atol=1e-6)


def test_defocus_is_a_sum_over_a_disk():
    image, (radius, edge) = floats(picture(40)), (3, 0.1)
    kernel = blur.disk(radius, edge)
    assert kernel.sum() == pytest.approx(1) and (kernel > 0.01).sum() == 29  # points within 3
    padded = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (17, 17), axis=(0, 1))
    wanted = np.einsum("hwcij,ij->hwc", windows, kernel)
    found = blur.defocus_blur(image, (radius, edge), rng())
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("radius, edge, taps", [(3, 0.1, 3), (8, 0.5, 3), (10, 0.5, 5)])
def test_the_edge_of_the_disk_is_blurred_as_scipy_does(radius, edge, taps):
    y, x = np.mgrid[-10:11, -10:11] if radius > 8 else np.mgrid[-8:9, -8:9]
    flat = (np.hypot(x, y) <= radius).astype(float)
    wanted = gaussian_filter(flat / flat.sum(), edge, mode="mirror", radius=taps // 2)
    np.testing.assert_allclose(blur.disk(radius, edge), wanted, atol=1e-7)


def test_the_disk_that_touches_its_frame_brightens_by_a_hundredth_as_published():
    assert blur.disk(8, 0.5).sum() == pytest.approx(1.0130, abs=1e-4)
    assert blur.disk(6, 0.5).sum() == pytest.approx(1, abs=1e-6)


@given(
    seed=st.integers(0, 99), height=st.integers(3, 20), width=st.integers(3, 20),
    reach=st.integers(1, 4), turns=st.integers(1, 3),
)  # fmt: skip
def test_glass_copies_pixels_one_by_one_as_the_published_loop(seed, height, width, reach, turns):
    image = rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32) / 255
    found = blur.glass_blur(image, (0, reach, turns), rng(seed))
    wanted, draws = np.rint(255 * image).astype(np.uint8), rng(seed)
    rows, columns = range(height - reach, reach, -1), range(width - reach, reach, -1)
    for _ in range(turns):
        across, down = draws.integers(-reach, reach, (2, len(rows), len(columns)))
        for i, h in enumerate(rows):
            for j, w in enumerate(columns):
                h2, w2 = h + down[i, j], w + across[i, j]
                wanted[h, w], wanted[h2, w2] = wanted[h2, w2], wanted[h, w]  # views: a copy
    np.testing.assert_array_equal(np.rint(255 * found), wanted)


@pytest.mark.parametrize("end, angle", [(0, -45), (1, 45)])
def test_a_camera_moves_within_45_degrees_of_horizontally(end, angle):
    image = smooth(40)
    extreme = SimpleNamespace(uniform=lambda *ends: ends[end])
    found = blur.motion_blur(image, (10, 3), extreme)
    np.testing.assert_allclose(found, blur.motion(image, 10, 3, angle), atol=0.51 / 255)


@pytest.mark.parametrize("angle", [-130, -45, -20, 0, 10, 45])
def test_motion_is_imagemagicks_sum_along_a_line(angle):
    image, radius, sigma = floats(picture(30)), 5, 3
    weights = [np.exp(-(i**2) / (2 * sigma**2)) for i in range(2 * radius + 1)]
    wanted = np.zeros_like(image, dtype=float)
    for h in range(30):
        for w in range(30):
            for i, weight in enumerate(weights):
                y = h + int(np.ceil(i * np.sin(np.deg2rad(angle)) - 0.5))
                x = w + int(np.ceil(i * np.cos(np.deg2rad(angle)) - 0.5))
                value = image[min(max(y, 0), 29), min(max(x, 0), 29)]
                wanted[h, w] += weight / sum(weights) * value
    np.testing.assert_allclose(blur.motion(image, radius, sigma, angle), wanted, atol=1e-6)


COLOURS = [*np.ndindex(5, 5, 5)]  # black, white, greys and all hues
PALETTE = (np.array(COLOURS, np.float32) / 4).reshape(5, 25, 3)


@pytest.mark.parametrize("added", [0.1, 0.5])
def test_brightness_adds_to_v_of_hsv(added):
    hsv = rgb2hsv(PALETTE)
    hsv[..., 2] = np.clip(hsv[..., 2] + added, 0, 1)
    np.testing.assert_allclose(digital.brightness(PALETTE, added, rng()), hsv2rgb(hsv), atol=1e-6)


@pytest.mark.parametrize("factor, offset", [(0.3, 0), (2, 0), (5, 0.1), (30, 0.2)])
def test_saturate_changes_s_of_hsv(factor, offset):
    hsv = rgb2hsv(PALETTE)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
    found = digital.saturate(PALETTE, (factor, offset), rng())
    np.testing.assert_allclose(found, hsv2rgb(hsv), atol=1e-5)


def test_contrast_is_about_the_mean_of_each_channel():
    image = smooth()
    found = digital.contrast(image, 0.3, rng())
    np.testing.assert_allclose(found.mean((0, 1)), image.mean((0, 1)), atol=1e-6)
    np.testing.assert_allclose(found.std((0, 1)), 0.3 * image.std((0, 1)), atol=1e-6)


def test_jpeg_is_what_pillow_writes():
    file = io.BytesIO()
    Image.fromarray(picture()).save(file, "JPEG", quality=10)
    wanted = np.asarray(Image.open(file))
    found = digital.jpeg_compression(floats(picture()), 10)
    np.testing.assert_array_equal(np.rint(255 * found), wanted)


def test_pixels_are_means_over_boxes():
    found = digital.pixelate(smooth(64), 0.25, rng())
    blocks = found.reshape(16, 4, 16, 4, 3)
    assert np.ptp(blocks, axis=(1, 3)).max() == 0
    means = smooth(64).reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks[:, 0, :, 0], means, atol=1 / 255)


def test_elastic_without_displacements_is_the_image_and_an_affine_map_keeps_lines_straight():
    image = smooth(64)
    still = digital.elastic_transform(image, (0, 0, 0), rng())
    np.testing.assert_allclose(still, image, atol=1e-6)
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], 64, 0).repeat(3, 2)
    turned = digital.elastic_transform(ramp, (0, 0, 5), rng())[16:48, 16:48, 0]
    assert np.abs(turned - ramp[16:48, 16:48, 0]).max() > 0.01
    assert np.abs(np.diff(turned, 2, axis=0)).max() < 1e-5, "it stays a ramp"


def test_elastic_maps_three_points_as_scikit_image_does():
    """Points a third of the side away from the centre, each moved by up to the third constant."""
    image = smooth(64)
    points = np.array([[53, 53], [53, 11], [11, 11]])  # 32 + 21, 32 - 21
    moved = points + rng(3).uniform(-5, 5, (3, 2))
    wanted = warp(image, estimate_transform("affine", points, moved).inverse, order=1)
    found = digital.elastic_transform(image, (0, 0, 5), rng(3))
    inside = slice(12, -12)
    np.testing.assert_allclose(found[inside, inside], wanted[inside, inside], atol=1e-5)


@pytest.mark.parametrize(
    "channel, edges, rows, columns", [(0, 30, 2625, 2415), (1, 1912, 89829, 89829), (2, 0, 0, 0)]
)
def test_edges_are_those_of_opencvs_canny(channel, edges, rows, columns):
    """Their number and the sums of their positions, as OpenCV 5.0 finds them."""
    found = weather.canny(picture(96)[..., channel].astype(float), 50, 150)
    y, x = found.nonzero()
    assert (len(y), y.sum(), x.sum()) == (edges, rows, columns)


def test_light_on_drops_is_opencvs_but_for_its_rougher_distances():
    drops = np.where(picture(96)[..., 2] < 30, 0, picture(96)[..., 1]).astype(float)
    light = weather._glitter(drops)
    assert light.mean() == pytest.approx(115.88, abs=2)
    assert light.std() == pytest.approx(89.51, abs=0.5)
    assert weather._glitter(np.zeros((9, 9))).max() <= 255, "no edge at all"


def plain_plasma(size: int, decay: float, generator: np.random.Generator) -> np.ndarray:
    """Diamond-square point by point: each midpoint from its four neighbours, edges wrapped."""
    heights, step, wibble = np.zeros((size, size)), size, 100.0
    while step >= 2:
        half = step // 2
        for down, right in ((half, half), (0, half), (half, 0)):
            around = [(-half, 0), (half, 0), (0, -half), (0, half)]
            if down and right:
                around = [(-half, -half), (-half, half), (half, -half), (half, half)]
            noise = wibble * generator.uniform(-wibble, wibble, (size // step, size // step))
            for i, j in np.ndindex(noise.shape):
                y, x = i * step + down, j * step + right
                near = [heights[(y + dy) % size, (x + dx) % size] for dy, dx in around]
                heights[y, x] = sum(near) / 4 + noise[i, j]
        step, wibble = half, wibble / decay
    return (heights - heights.min()) / np.ptp(heights)


def test_clouds_are_those_of_the_plain_loop():
    found = weather.plasma(32, 1.7, rng(5))
    np.testing.assert_allclose(found, plain_plasma(32, 1.7, rng(5)), atol=1e-12)


def test_crystals_grow_in_three_directions_and_clump():
    size = 96
    *needles, clumps = weather._needles(size)
    down, right = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    for needle, angle in zip(needles, (20, 80, 140), strict=True):
        # Thin across and long along: of its waves only those across are short.
        strong = needle > 0.5
        turned = np.exp(-1j * np.deg2rad(angle)) * (right + 1j * down)[strong]
        assert np.abs(turned.real).max() < 0.03 and np.abs(turned.imag).max() > 0.2
    assert clumps[0, 3] == clumps[3, 0] == pytest.approx(np.exp(-1)), "three waves an image"


def test_clouds_fill_their_range_and_are_rougher_the_slower_they_decay():
    rough, fine = (weather.plasma(128, decay, rng(3)) for decay in (1.4, 3))
    assert (rough.min(), rough.max()) == (fine.min(), fine.max()) == (0, 1)
    assert np.abs(np.diff(rough)).mean() > 1.5 * np.abs(np.diff(fine)).mean()


NOISES = [
    # function, constant, the deviation that it gives on mid-grey
    (noise.gaussian_noise, 0.1, 0.1),
    (noise.shot_noise, 50, np.sqrt(0.5 / 50)),
    (noise.speckle_noise, 0.2, 0.2 * 0.5),
    (noise.impulse_noise, 0.1, np.sqrt(0.1) * 0.5),
]


@pytest.mark.parametrize("function, constant, deviation", NOISES)
def test_noise_has_the_stated_strength_and_no_bias(function, constant, deviation):
    grey = np.full((200, 200, 3), 0.5, np.float32)
    found = function(grey, constant, rng())
    assert found.std() == pytest.approx(deviation, rel=0.02)
    assert found.mean() == pytest.approx(0.5, abs=4 * deviation / np.sqrt(found.size))


def test_impulses_are_black_and_white_in_equal_parts():
    found = noise.impulse_noise(np.full((300, 300, 3), 0.4, np.float32), 0.2, rng())
    for value in (0, 1):
        assert (found == value).mean() == pytest.approx(0.1, abs=0.005)
    assert (found == np.float32(0.4)).mean() == pytest.approx(0.8, abs=0.005)


# --- constants ------------------------------------------------------------------------------------


def test_there_are_15_and_4_in_the_order_of_table_a1():
    assert (len(ALL), len(MAIN)) == (19, 15)
    assert ALL[0] == "gaussian_noise" and MAIN[-1] == "jpeg_compression"
    assert ALL[15:] == ["speckle_noise", "gaussian_blur", "spatter", "saturate"]
    assert [get_distortion(name).levels for name in ALL] == [SEVERITIES] * 19


@pytest.mark.parametrize("size", CONSTANTS)
def test_every_corruption_has_five_severities_at_both_sizes(size):
    assert list(CONSTANTS[size]) == ALL
    assert {len(values) for values in CONSTANTS[size].values()} == {5}


@pytest.mark.parametrize(
    "size, of", [(8, 64), (64, 64), (119, 64), (120, 224), (224, 224), (512, 224)]
)
def test_other_sizes_have_the_constants_of_the_nearer(size, of):
    assert constants_of("fog", size) is CONSTANTS[of]["fog"]
    image = smooth(max(size, 8))
    given = corrupt(image, 5, rng(), name="gaussian_noise")
    wanted = np.clip(noise.gaussian_noise(image, CONSTANTS[of]["gaussian_noise"][4], rng()), 0, 1)
    np.testing.assert_allclose(given, wanted, atol=1.01 / 255)


UNEVEN = {
    "elastic_transform",
    "fog",
    "frost",
    "glass_blur",
    "pixelate",
    "saturate",
    "snow",
    "spatter",
}
"""Where several constants change at once, or a boundary between pixels may help, so that one
severity need not change an image more than the last."""
RISING = sorted({*ALL} - UNEVEN)


@pytest.mark.parametrize("size", CONSTANTS)
@pytest.mark.parametrize("name", RISING)
def test_the_image_changes_more_with_severity(name, size):
    images = [smooth(size, seed) * 0.8 for seed in range(4)]
    changes = [
        np.mean([np.abs(distort(x, name, s, str(i)) - x).mean() for i, x in enumerate(images)])
        for s in SEVERITIES
    ]
    assert all(later > earlier for earlier, later in pairwise(changes)), changes


# --- as distortions -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_results_are_8_bits_deep_in_range_and_of_the_image_alone(name):
    image = smooth(64)
    before = image.copy()
    first, again = (distort(image, name, 3, "a.png") for _ in range(2))
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32 and first.shape == image.shape
    levels = 255 * first
    assert np.abs(levels - np.rint(levels)).max() < 1e-4 and 0 <= first.min() <= first.max() <= 1
    random = name not in DETERMINISTIC
    assert (distort(image, name, 3, "b.png") != first).any() == random
    assert (distort(image, name, 3, "a.png", seed=1) != first).any() == random


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(8, 8), (9, 30), (30, 9)])
def test_plain_and_small_images_of_any_shape_pass(name, value, shape):
    for severity in (1, 3, 5):
        found = distort(np.full((*shape, 3), value, np.float32), name, severity)
        assert found.shape == (*shape, 3) and np.isfinite(found).all()


def test_blurs_leave_a_plain_image_as_it_is():
    plain = np.full((64, 64, 3), 100 / 255, np.float32)
    for name in ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"):
        np.testing.assert_allclose(distort(plain, name, 5), plain, atol=1.01 / 255)


def test_an_unknown_severity_lists_those_there_are():
    with pytest.raises(ValueError, match="fog has no level 6; choose one of 1, 2, 3, 4, 5"):
        distort(smooth(), "fog", 6)


# --- sets -----------------------------------------------------------------------------------------

PICTOGRAMS = get_dataset("pictograms")


@pytest.fixture(scope="module")
def few():
    return PICTOGRAMS.images("validation").subset([5, 17, 400], "few")


def test_a_set_has_the_images_at_all_severities_as_they_are_one_by_one(few):
    found = corrupted(PICTOGRAMS, few, "spatter", seed=2)
    assert len(found) == 15 and found.table["imagename"].is_unique
    assert found.table["level"].tolist() == [s for s in SEVERITIES for _ in range(3)]
    assert found.table["original"].tolist() == few.table["imagename"].tolist() * 5
    assert found.table["label"].tolist() == few.table["label"].tolist() * 5
    for severity in SEVERITIES:
        wanted = distorted(PICTOGRAMS, few, "spatter", severity, seed=2).load([2, 0])
        assert torch.equal(found.load([3 * severity - 1, 3 * severity - 3]), wanted)


def test_it_does_not_matter_in_which_portions_a_set_is_loaded(few):
    at_once = corrupted(PICTOGRAMS, few, "frost").load(range(15))
    found = corrupted(PICTOGRAMS, few, "frost")
    one_by_one = torch.cat([found.load([i]) for i in (7, *range(15))])
    assert torch.equal(one_by_one[1:], at_once) and torch.equal(one_by_one[0], at_once[7])


def test_images_are_made_once_for_all_networks(few, monkeypatch):
    made = []
    apply = get_distortion("fog").apply
    monkeypatch.setattr(
        "shapebias_utils.distortions.imagenet_c.distorted",
        lambda *given: (made.append(given[3]), distorted(*given))[1],
    )
    calls = []
    counted = {**CORRUPTIONS, "fog": ("Fog", lambda *g: (calls.append(1), weather.fog(*g))[1])}
    monkeypatch.setattr("shapebias_utils.distortions.imagenet_c.CORRUPTIONS", counted)
    found = corrupted(PICTOGRAMS, few, "fog")
    for _ in range(3):
        found.load(range(15))
    assert made == list(SEVERITIES) and len(calls) == 15 and apply is get_distortion("fog").apply


def test_a_set_too_large_for_memory_is_not_kept(few, monkeypatch):
    monkeypatch.setattr(
        "shapebias_utils.distortions.imagenet_c.KEPT_BYTES", 5 * 3 * 3 * 64 * 64 - 1
    )
    found = corrupted(PICTOGRAMS, few, "contrast")
    assert torch.equal(found.load([1, 4]), found.load([1, 4])) and KEPT_BYTES == 2**30


def test_digests_differ_by_corruption_seed_and_images(few):
    digests = {
        corrupted(PICTOGRAMS, images, name, seed).digest
        for images in (few, few.subset([0, 1], "two"))
        for name in ("fog", "snow")
        for seed in (0, 1)
    }
    assert len(digests) == 8


def test_an_unknown_corruption_lists_the_known_ones(few):
    with pytest.raises(ValueError, match="unknown corruption 'scramble'; choose one of gaussian_n"):
        corrupted(PICTOGRAMS, few, "scramble")
