"""Every distortion keeps the form of an image and is pure; each does what its recipe says."""

import io
import os
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shapebias_utils import distortions
from shapebias_utils.datasets import Dataset, ImageSet
from shapebias_utils.distortions import (
    Distortion,
    distort,
    distorted,
    distortion_names,
    generator_of,
    get_distortion,
    lacking,
)
from shapebias_utils.distortions.external import MASK_RCNN
from shapebias_utils.distortions.frequency import MEAN_GREY
from shapebias_utils.distortions.greyscale import grey
from shapebias_utils.distortions.saturation import saturated
from shapebias_utils.distortions.scramble import paper_order, patch_order, scrambled, unscrambled
from shapebias_utils.paths import ROOT

PHOTOS = ROOT.parent / "shared" / "data" / "imagenet_samples"

needs_potrace = pytest.mark.skipif(
    not shutil.which("potrace"), reason="no potrace: apt-get install potrace"
)


def noisy(height: int, width: int, seed: int = 0) -> np.ndarray:
    """An image of colour noise, some of it coarse."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((8, 8, 3)).repeat(-(-height // 8), 0).repeat(-(-width // 8), 1)
    image = 0.5 * coarse[:height, :width] + 0.5 * rng.random((height, width, 3))
    return image.astype(np.float32)


def flat(height: int, width: int, value: float) -> np.ndarray:
    return np.full((height, width, 3), value, np.float32)


KINDS = {
    "noise": noisy,
    "black": lambda height, width: flat(height, width, 0.0),
    "white": lambda height, width: flat(height, width, 1.0),
    "grey": lambda height, width: flat(height, width, 0.5),
    "half": lambda height, width: np.concatenate(
        [flat(height // 2, width, 0.0), flat(height - height // 2, width, 1.0)]
    ),
}


def available(name: str) -> Distortion:
    """The distortion; the test is skipped, saying why, where something that it needs is missing."""
    try:
        get_distortion(name).needs()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    return get_distortion(name)


# --- all distortions, and those that are added --------------------------------------------------


@pytest.mark.parametrize("name", distortion_names())
def test_an_image_of_any_kind_and_size_stays_an_image(name):
    levels = available(name).levels

    @settings(max_examples=12)
    @given(st.sampled_from(levels), st.sampled_from([*KINDS]), *[st.integers(8, 256)] * 2)
    def check(level, kind, height, width):
        if name.startswith("scramble"):  # into even patches
            height, width = height // 8 * 8, width // 8 * 8
        image = KINDS[kind](height, width)
        before = image.copy()
        found = distort(image, name, level, "a.png")
        assert found.shape == image.shape and found.dtype == np.float32
        assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
        assert (image == before).all(), "its argument stays as it is"
        assert (distort(image, name, level, "a.png") == found).all(), "the same name, the same"

    check()


class Untouched:
    """In the place of a generator: nothing may be drawn from it."""

    def __getattr__(self, name):
        raise AssertionError("something is random")


@pytest.mark.parametrize("name", distortion_names())
def test_randomness_is_that_of_the_name_and_the_seed(name):
    distortion, image = available(name), noisy(64, 64)
    level = distortion.levels[-1]
    found = distort(image, name, level, "a.png")
    others = [distort(image, name, level, "b.png"), distort(image, name, level, "a.png", seed=1)]
    try:
        distortion.apply(image, level, Untouched())
        random = False
    except AssertionError:
        random = True
    assert [bool((found != other).any()) for other in others] == [random, random]


@pytest.mark.parametrize("name", distortion_names())
def test_records_are_complete(name):
    record = get_distortion(name)
    assert record.title and record.reference and record.levels and callable(record.apply)
    assert len(set(record.levels)) == len(record.levels)
    assert record.axis or record.levels == (1,)


def test_titles_tell_distortions_apart():
    titles = [get_distortion(name).title for name in distortion_names()]
    assert len(set(titles)) == len(titles)


OK = noisy(16, 16)
BROKEN = OK.copy()
BROKEN[3, 4, 1] = np.nan


@pytest.mark.parametrize(
    "image, message",
    [
        (OK * 255, r"x\.png has values from .* to 2\d\d.*; expected are finite ones in \[0, 1\]"),
        (OK - 1, r"x\.png has values from -.*; expected are finite ones in \[0, 1\]"),
        (BROKEN, r"x\.png has values from nan to nan"),
        (np.full_like(OK, np.inf), r"x\.png has values from inf"),
        (OK[..., 0], r"x\.png is \(16, 16\); expected is \(H, W, 3\)"),
        (OK[..., :2], r"x\.png is \(16, 16, 2\)"),
        (OK.transpose(2, 0, 1), r"x\.png is \(3, 16, 16\)"),
        (OK[:7], r"x\.png is \(7, 16, 3\); expected is \(H, W, 3\), H and W from 8 up"),
        (OK[:0], r"x\.png is \(0, 16, 3\)"),
    ],
    ids=["255", "negative", "NaN", "inf", "grey", "two", "channels first", "small", "empty"],
)
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        distort(image, "noise", 0.08, "x.png")


@pytest.mark.parametrize("name", distortion_names())
def test_levels_are_those_of_the_record(name):
    listed = ", ".join(map(str, get_distortion(name).levels[:2]))
    for level in (-1, 12345, float("nan"), "2"):
        with pytest.raises(ValueError, match=f"{name} has no level .*; choose one of {listed}"):
            distort(OK, name, level)


def test_an_unknown_distortion_is_refused_and_the_known_are_listed():
    with pytest.raises(ValueError, match="unknown distortion 'blurr'; choose one of .*scramble"):
        distort(OK, "blurr", 1)


def test_two_records_of_one_name_are_refused(monkeypatch):
    from shapebias_utils.distortions import edges, noise

    monkeypatch.setattr(edges, "DISTORTIONS", noise.DISTORTIONS)
    distortions._known.cache_clear()
    with pytest.raises(ValueError, match="two distortions are named 'noise'"):
        distortion_names()
    monkeypatch.undo()
    distortions._known.cache_clear()


# --- image sets -----------------------------------------------------------------------------------


def image_set(n: int = 4, name: str = "few") -> ImageSet:
    import torch

    pixels = np.stack([noisy(16, 16, seed) for seed in range(n)])
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(n)], "label": 0})
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    return ImageSet(name, table, lambda rows: pixels[list(rows)], "digest")


def dataset(**facts) -> Dataset:
    about = {"title": "", "size": 16, "n_classes": 1, "category_classes": {}, "attack": None}
    return Dataset(name="d", images=None, eps_grid=(), **about, **facts)


def test_a_distorted_set_gives_each_image_as_distort_does_in_any_order():
    images = image_set()
    found = distorted(dataset(), images, "noise", 0.08, seed=3)
    assert found.name == "few-noise-0.08" and found.table is images.table
    for rows in ([0, 1, 2, 3], [3, 1], [2]):
        for image, row in zip(found.load(rows), rows, strict=True):
            original = images.load([row])[0].permute(1, 2, 0).numpy()
            wanted = distort(original, "noise", 0.08, f"{row}.png", seed=3)
            assert (image.permute(1, 2, 0).numpy() == wanted).all()


def test_a_part_of_a_distorted_set_is_the_part_distorted():
    images = image_set()
    part = distorted(dataset(), images, "scramble", 2).subset([3, 0], "part").load([0, 1])
    assert (
        part == distorted(dataset(), images.subset([3, 0], "p"), "scramble", 2).load([0, 1])
    ).all()


def test_digests_tell_distortions_levels_and_seeds_apart():
    images = image_set()
    calls = [("noise", 0.08, 0), ("noise", 0.08, 1), ("scramble", 2, 0), ("scramble", 4, 0)]
    digests = [distorted(dataset(), images, *call).digest for call in calls]
    assert len({*digests, images.digest}) == 5
    assert distorted(dataset(), images, "noise", 0.08).digest == digests[0], "seed 0 by default"


def test_a_dataset_that_renders_a_distortion_itself_is_asked():
    rendered = image_set(name="rendered")
    own = dataset(renditions={"silhouette": lambda images, level: rendered})
    found = distorted(own, image_set(), "silhouette", 1)
    assert found.name == "few-silhouette-1" and found.load is rendered.load
    with pytest.raises(ValueError, match="silhouette has no level 2"):
        distorted(own, image_set(), "silhouette", 2)


def test_what_lacks_weights_or_a_program_is_told_from_what_can_be_made(tmp_path, monkeypatch):
    absent = replace(MASK_RCNN, path=tmp_path / "absent.pth")
    monkeypatch.setattr("shapebias_utils.distortions.silhouette.MASK_RCNN", absent)
    monkeypatch.setenv("PATH", str(tmp_path))
    names = ["scramble", "silhouette", "black_and_white", "noise"]
    found = lacking(dataset(), names)
    assert list(found) == ["silhouette", "black_and_white"]
    assert "`shapebias fetch maskrcnn`" in found["silhouette"]
    assert "`apt-get install potrace`" in found["black_and_white"]
    rendered = dataset(renditions={"silhouette": lambda images: images})
    assert list(lacking(rendered, names)) == ["black_and_white"]
    with pytest.raises(ValueError, match="unknown distortion 'blurry'"):
        lacking(dataset(), ["blurry"])


# --- scrambled ------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [2, 4, 8])
@pytest.mark.parametrize("size", [(16, 16), (64, 64), (224, 224), (32, 64)])
def test_unscrambling_by_the_images_order_restores_it_bit_for_bit(p, size):
    image = noisy(*size)
    for name in ("a.png", "b.png"):
        found, order = distort(image, "scramble", p, name, 5), patch_order(p, name, 5)
        assert (unscrambled(found, p, order) == image).all()
        assert (np.sort(order) == np.arange(p * p)).all()
        assert (found != image).any()


def test_patches_by_hand():
    image = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    found = scrambled(image, 2, np.array([2, 3, 1, 0]))
    assert found[..., 0].tolist() == [
        [8, 9, 10, 11], [12, 13, 14, 15], [2, 3, 0, 1], [6, 7, 4, 5],
    ]  # fmt: skip
    assert (scrambled(image, 1, np.array([0])) == image).all(), "one patch cannot move"


@pytest.mark.parametrize(
    "p, order",
    [
        (2, [2, 3, 1, 0]),  # as in the paper's published sample
        (4, [14, 15, 10, 12, 6, 5, 0, 7, 3, 11, 1, 9, 4, 2, 13, 8]),
    ],
)
def test_the_papers_order_is_that_of_seed_212_for_all_images(p, order):
    assert paper_order(p).tolist() == order
    image = noisy(224, 224)
    wanted = scrambled(image, p, np.array(order))
    assert all((distort(image, "scramble_paper", p, name) == wanted).all() for name in "ab")


def test_orders_are_uniform():
    orders = [tuple(patch_order(2, f"{i}.png")) for i in range(2400)]
    counts = pd.Series(orders).value_counts()
    assert len(counts) == 24 and counts.between(60, 145).all()  # 100 each, within 4.5 deviations


@pytest.mark.parametrize("size, p", [((65, 64), 2), ((64, 66), 4), ((100, 100), 8)])
def test_sizes_that_cannot_be_cut_evenly_are_refused(size, p):
    message = f"{size[0]} x {size[1]} pixels cannot be cut into {p} x {p} even patches: crop or"
    with pytest.raises(ValueError, match=message):
        distort(noisy(*size), "scramble", p)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "p, value, wanted",
    [(1, 0.25, 0.375), (2, 0.3, 0.3), (4, 0.25, 0.1464), (4, 0.9, 0.9472), (8, 0.25, 0.0796),
     (64, 0.25, 0.0107), (1024, 0.25, 0.0007), (1, 0.5, 0.5), (1024, 0.5, 0.5), (1, 0, 0),
     (1024, 1, 1)],
)  # fmt: skip
def test_saturation_has_its_closed_form(p, value, wanted):
    assert saturated(np.float64(value), p) == pytest.approx(wanted, abs=5e-5)


MID = noisy(64, 64)
IDENTITIES = [("saturation", 2, MID)] + [
    (name, level, np.repeat(grey(MID)[..., None], 3, axis=2))
    for name, level in (
        ("greyscale", 1), ("grey_contrast", 1.0), ("low_pass", 0), ("phase_noise", 0),
    )
]  # fmt: skip


@pytest.mark.parametrize("name, level, image", IDENTITIES, ids=[c[0] for c in IDENTITIES])
def test_the_mildest_level_changes_nothing(name, level, image):
    assert distort(image, name, level) == pytest.approx(image, abs=1e-6)


def test_greyscale_weighs_the_channels_as_scikit_image_does():
    from skimage.color import rgb2gray

    found = distort(MID, "greyscale", 1)
    assert (found == found[..., :1]).all()
    assert found[..., 0] == pytest.approx(rgb2gray(MID), abs=1e-6)


@pytest.mark.parametrize("contrast", [0.5, 0.05])
def test_contrast_draws_towards_middle_grey(contrast):
    found = distort(MID, "grey_contrast", contrast)
    assert found[..., 0] == pytest.approx(0.5 + contrast * (grey(MID) - 0.5), abs=1e-6)


def test_noise_is_normal_with_its_deviation():
    image = flat(256, 256, 0.5)
    added = (distort(image, "noise", 0.08, "a.png") - image) / 0.08
    assert abs(added.mean()) < 0.01 and abs(added.std() - 1) < 0.01
    assert abs((np.abs(added) < 1).mean() - 0.6827) < 0.005
    channels = np.corrcoef(added.reshape(-1, 3).T)
    assert np.abs(channels - np.eye(3)).max() < 0.02, "each channel has its own"


def test_uniform_noise_is_grey_and_as_wide_as_it_says():
    found = distort(MID, "uniform_noise", 0.2, "a.png")
    added = found[..., 0] - (0.35 + 0.3 * grey(MID))
    assert (found == found[..., :1]).all()
    assert np.abs(added).max() <= 0.2 + 1e-6 and added.std() == pytest.approx(
        0.2 / 3**0.5, rel=0.03
    )


# --- spectra --------------------------------------------------------------------------------------


def energies(image: np.ndarray) -> np.ndarray:
    """Energy below an eighth, up to a quarter, and above a quarter of a cycle a pixel."""
    values = image[..., 0] - image[..., 0].mean()
    energy = np.abs(np.fft.fft2(values)) ** 2
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n) for n in values.shape], indexing="ij"))
    bands = [radius < 1 / 8, (radius >= 1 / 8) & (radius < 1 / 4), radius >= 1 / 4]
    return np.array([energy[band].sum() for band in bands])


# White noise about the grey that surrounds an image, so that its border is no edge.
WHITE = np.random.default_rng(1).uniform(-0.1, 0.1, (64, 64, 1)).astype(np.float32).repeat(3, 2)
WHITE += MEAN_GREY


def test_the_low_pass_takes_the_fine_structure_and_leaves_the_coarse():
    whole, found = energies(WHITE), energies(distort(WHITE, "low_pass", 1))
    # A Gaussian of deviation 1 has the gain exp(-2 pi^2 f^2): .73 at 1/8, .29 at 1/4, squared here.
    assert found[0] > 0.73**2 * whole[0] * 0.95
    assert 0.29**2 < found[1] / whole[1] < 0.73**2
    assert found[2] < 0.29**2 * whole[2]


def test_the_high_pass_takes_the_coarse_structure_and_leaves_the_fine():
    whole, found = energies(WHITE), energies(distort(WHITE, "high_pass", 1))
    assert found[0] < (1 - 0.73) ** 2 * whole[0] * 1.1
    assert found[2] > (1 - 0.29) ** 2 * whole[2]
    assert distort(WHITE, "high_pass", 1).mean() == pytest.approx(MEAN_GREY, abs=1e-3)


def test_a_stronger_filter_leaves_less():
    for name in ("low_pass", "high_pass"):
        left = [energies(distort(WHITE, name, k)).sum() for k in get_distortion(name).levels]
        assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("size", [(64, 64), (63, 64), (33, 47)])
def test_phase_noise_keeps_the_amplitudes_and_turns_phases_by_no_more_than_its_width(size):
    image = 0.4 + 0.2 * np.random.default_rng(2).random((*size, 1), np.float32).repeat(3, 2)
    found = distort(image, "phase_noise", 60, "a.png")
    assert 0 < found.min() and found.max() < 1, "nothing is clipped here, so nothing is lost"
    before, after = (np.fft.fft2(x[..., 0].astype(float)) for x in (image, found))
    assert np.abs(after) == pytest.approx(np.abs(before), rel=1e-3, abs=1e-3)
    turned = np.abs(np.rad2deg(np.angle(after / before)))[np.abs(before) > 0.5]
    assert turned.max() < 60.1 and turned.mean() == pytest.approx(30, abs=2)


def test_the_high_pass_has_the_mean_grey_of_imagenet_and_so_has_what_surrounds_the_low_pass():
    image = 0.3 + 0.2 * np.random.default_rng(3).random((64, 64, 1), np.float32).repeat(3, 2)
    for level in (float("inf"), 3, 0.4):
        found = distort(image, "high_pass", level)
        assert 0 < found.min() and found.max() < 1, "nothing is clipped here"
        assert found.mean() == pytest.approx(0.4423, abs=1e-5)
    # Under a Gaussian as wide as this, the corner of a small image is mostly its surroundings.
    assert distort(flat(8, 8, 1.0), "low_pass", 40)[0, 0, 0] == pytest.approx(0.4423, abs=0.01)


# --- edges and B&W --------------------------------------------------------------------------------


def disc(size: int, inside: float, outside: float) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.where(np.hypot(x, y)[..., None] < size / 3, inside, outside).repeat(3, 2)


def test_edges_are_white_on_black_and_where_the_outline_is():
    found = distort(disc(64, 0.1, 0.9), "edges", 0.4)
    y, x = np.mgrid[:64, :64] - 31.5
    off = np.abs(np.hypot(x, y) - 64 / 3)
    assert set(np.unique(found)) == {0, 1} and 60 < found[..., 0].sum() < 250
    assert (found[off > 2] == 0).all()


BLACK_AND_WHITE = ["black_and_white_untraced", pytest.param("black_and_white", marks=needs_potrace)]


@pytest.mark.parametrize("name", BLACK_AND_WHITE)
@pytest.mark.parametrize("size", [8, 64, 224])
@pytest.mark.parametrize("inside, outside", [(0.2, 0.8), (0.8, 0.2)])
def test_black_and_white_is_two_valued_and_not_inverted(name, size, inside, outside):
    image = disc(size, inside, outside)
    found, wanted = distort(image, name, 0.5), (image > 0.5).astype(np.float32)
    assert (found == found[..., :1]).all()
    between = ((found > 0.02) & (found < 0.98)).mean()
    assert between <= 4 * np.pi / 3 / size * 1.5, "no greys but along the outline"
    assert np.abs(found - wanted).mean() < 2.5 / size
    if size > 8:
        middle = slice(size // 2 - 4, size // 2 + 4)
        assert (found[middle, middle] == wanted[middle, middle]).all()
        assert (found[:4] == wanted[:4]).all()


@pytest.mark.parametrize("name", BLACK_AND_WHITE)
@pytest.mark.parametrize("value, wanted", [(0, 0), (0.45, 0), (0.55, 1), (1, 1)])
def test_constant_images_become_black_or_white(name, value, wanted):
    found = distort(flat(24, 40, value), name, 0.5)
    assert found == pytest.approx(np.full_like(found, wanted), abs=1.1 / 255)  # potrace rounds


def test_without_tracing_what_reaches_the_threshold_is_white():
    assert (distort(flat(8, 8, 0.5), "black_and_white_untraced", 0.5) == 1).all()
    assert (distort(flat(8, 8, 0.499), "black_and_white_untraced", 0.5) == 0).all()


@pytest.fixture
def instead_of_potrace(tmp_path, monkeypatch):
    """A function that puts a shell script in the place of potrace."""

    def put(script):
        program = tmp_path / "potrace"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


def test_potrace_gets_all_of_the_image_in_8_bits(instead_of_potrace):
    instead_of_potrace("cat")
    image = np.concatenate([noisy(8, 24), flat(4, 24, 1.0), flat(4, 24, 0.0)])
    assert distort(image, "black_and_white", 0.5) == pytest.approx(image, abs=0.51 / 255)


def test_what_potrace_says_when_it_fails_is_told(instead_of_potrace):
    instead_of_potrace("echo there is no room >&2; exit 2")
    with pytest.raises(RuntimeError, match="potrace failed: there is no room"):
        distort(OK, "black_and_white", 0.5)


def by_svg(image: np.ndarray) -> np.ndarray:
    """The paper's route, its defects mended: potrace's SVG, drawn by librsvg on white."""
    height, width, _ = image.shape
    buffer = io.BytesIO()
    Image.fromarray((255 * image).round().astype(np.uint8)).save(buffer, "BMP")
    svg = ["potrace", "-b", "svg", "-o", "-", "-"]
    drawn = ["rsvg-convert", "-w", str(width), "-h", str(height), "-b", "white"]
    for command in (svg, drawn):
        done = subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True)
        buffer = io.BytesIO(done.stdout)
    return np.asarray(Image.open(buffer).convert("RGB"), np.float32) / 255


@needs_potrace
@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="no rsvg-convert: librsvg2-bin")
@pytest.mark.parametrize("what", ["disc", "noise", "photos"])
def test_the_traced_image_is_that_of_the_papers_route(what):
    photos = sorted(PHOTOS.glob("*.JPEG"))[::12]
    if what == "photos" and not photos:
        pytest.skip(f"no photos in {PHOTOS}")
    images = {
        "disc": lambda: [disc(64, 0.1, 0.9).astype(np.float32)],
        "noise": lambda: [noisy(64, 64), noisy(224, 224)],
        "photos": lambda: [
            np.asarray(Image.open(p).convert("RGB").resize((224, 224)), np.float32) / 255
            for p in photos
        ],
    }[what]()
    for image in images:
        apart = np.abs(distort(image, "black_and_white", 0.5) - by_svg(image))
        untraced = np.abs(distort(image, "black_and_white_untraced", 0.5) - by_svg(image))
        assert apart.mean() * 255 < (3 if what == "noise" else 1), "in grey levels"
        assert apart.mean() < untraced.mean() / 2


def test_without_potrace_the_error_says_what_brings_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    for fails in (
        lambda: distort(OK, "black_and_white", 0.5),
        lambda: distorted(dataset(), image_set(), "black_and_white", 0.5),
    ):
        with pytest.raises(FileNotFoundError, match="`apt-get install potrace`.*_untraced needs"):
            fails()


def test_the_generator_is_keyed_by_distortion_image_and_seed():
    keys = [("noise", "a", 0), ("noise", "b", 0), ("noise", "a", 1), ("scramble", "a", 0)]
    drawn = [generator_of(*key).integers(1 << 60) for key in keys]
    assert len(set(drawn)) == 4 and drawn[0] == generator_of("noise", "a").integers(1 << 60)
