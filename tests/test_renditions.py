"""Renditions of pictograms: each changes the one cue that it names, and nothing else.

``python tests/test_renditions.py`` prints the table GOLDEN anew.
"""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import get_dataset
from shapebias_utils.datasets.pictograms import images as pictograms
from shapebias_utils.datasets.pictograms.cues import (
    BAND,
    FIGURES,
    RENDITIONS,
    pieces,
    shuffled,
    texture_blob,
)
from shapebias_utils.datasets.pictograms.masks import SIZE, SUPERSAMPLE, paint_parts
from shapebias_utils.datasets.pictograms.norms import cue_norms, validation_norms
from shapebias_utils.datasets.pictograms.render import (
    RenderSettings,
    factors,
    object_mask,
    render,
)
from shapebias_utils.datasets.pictograms.textures import HELD_OUT, TEXTURES, texture
from shapebias_utils.distortions import distort, distorted, distortion_names, get_distortion

OWN = RenderSettings()
RECORDS = {r.name: r for r in RENDITIONS}
WHOLE = [factors("cue_conflict", i) for i in (*range(0, 1200, 77), *range(1200, 1216))]
SOME = [*WHOLE, *(factors("validation", i) for i in range(16))]


def drawn(f, name: str = "", level: float = 1, **changes) -> np.ndarray:
    """The image in that rendition (naturally, where there is no name), int (3, SIZE, SIZE).

    Its factors are drawn under the rendition's settings, as `draw` has it.
    """
    settings = RECORDS[name].settings(OWN, level) if name else OWN
    settings = replace(settings, **changes)
    paint = RECORDS[name].paint if name else "natural"
    return render(factors(f.split, f.index, settings), settings, paint).astype(int)


def changed(f, name: str) -> np.ndarray:
    """Which pixels are not as natural: bool (SIZE, SIZE)."""
    return (drawn(f, name) != drawn(f)).any(0)


# --- the textures held out --------------------------------------------------------------------


def test_six_textures_at_least_are_held_out_and_no_category_owns_them():
    assert len(HELD_OUT) >= 6 and not set(HELD_OUT) & set(TEXTURES)


@pytest.mark.parametrize("name", HELD_OUT)
def test_a_held_out_texture_has_zero_mean_unit_variance_and_a_period_of_4_to_12_pixels(name):
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIZE)] * 2))
    for seed in range(5):
        patch = texture(name, np.random.default_rng(seed)).astype(float)
        assert abs(patch.mean()) < 1e-4 and abs(patch.std() - 1) < 1e-4
        power = np.abs(np.fft.fft2(patch)) ** 2
        assert 4 <= power.sum() / (frequency * power).sum() <= 12


def patches(name: str, count: int = 30) -> np.ndarray:
    """What tells textures apart in fragments 26 pixels wide: logarithm of the smoothed power
    spectrum and quantiles of the values, a row a patch."""
    rows, window = [], np.hanning(26)[:, None] * np.hanning(26)
    for seed in range(count):
        rng = np.random.default_rng([seed, len(name)])
        y, x = rng.integers(0, SIZE - 26, 2)
        values = texture(name, rng)[y : y + 26, x : x + 26]
        values = (values - values.mean()) / values.std()
        spectrum = np.log(np.abs(np.fft.fftshift(np.fft.rfft2(values * window), axes=0)) + 0.5)
        spectrum = ndimage.uniform_filter(spectrum, 3)
        spectrum = (spectrum - spectrum.mean()).ravel() / np.sqrt(spectrum.size)
        rows.append(
            np.concatenate([spectrum, 0.3 * np.quantile(values, np.linspace(0.05, 0.95, 10))])
        )
    return np.array(rows)


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.linalg.norm(one[:, None] - other[None], axis=-1)


@pytest.fixture(scope="module")
def known() -> dict[str, np.ndarray]:
    return {name: patches(name) for name in TEXTURES}


@pytest.mark.parametrize("name", HELD_OUT)
def test_fragments_of_a_held_out_texture_are_nearer_to_each_other_than_to_any_of_the_16(
    name, known
):
    own = patches(name)
    among = distances(own, own) + np.diag([np.inf] * len(own))
    for other, theirs in known.items():
        nearer = among.min(1) < distances(own, theirs).min(1)
        assert nearer.mean() >= 0.9, (other, nearer.mean())


# --- each rendition changes what it says ------------------------------------------------------


@pytest.mark.parametrize("name", ["flat", "retextured"])
def test_another_texture_or_none_changes_the_objects_pixels_and_no_others(name):
    shares = []
    for f in SOME:
        mask = object_mask(f)[..., 0]
        assert not changed(f, name)[mask == 0].any()
        shares.append(changed(f, name)[mask > 0.9].mean())
    assert np.mean(shares) > 0.8, "all but where the colour is clipped"


def test_flat_plus_the_texture_is_natural():
    """The texture's share of the image doubles as its contrast does, and is none when flat."""
    for f in WHOLE:
        flat, half, full = (
            drawn(f, texture_contrast=c)
            for c in (0.0, OWN.texture_contrast / 2, OWN.texture_contrast)
        )
        assert np.array_equal(flat, drawn(f, "flat"))
        inside = (np.minimum(flat, full) > 0) & (np.maximum(flat, full) < 255)  # not clipped
        assert np.abs((full - flat) - 2 * (half - flat))[inside].max() <= 3  # roundings


def test_retextured_objects_wear_all_held_out_textures_and_none_of_the_16(monkeypatch):
    worn = []
    monkeypatch.setattr(
        "shapebias_utils.datasets.pictograms.cues.surface",
        lambda colour, name, contrast, rng: worn.append(name) or np.zeros((SIZE, SIZE, 3)),
    )
    for i in range(60):
        render(factors("cue_conflict", i), paint="retextured")
    assert set(worn) == set(HELD_OUT)


def blob_of(f) -> np.ndarray:
    return texture_blob(f, None, 0, np.random.default_rng(f.index))[0][..., 0]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return np.minimum(one, other).sum() / np.maximum(one, other).sum()


def test_a_blob_has_the_objects_area_and_nothing_of_its_outline():
    blobs, masks = [blob_of(f) for f in WHOLE], [object_mask(f)[..., 0] for f in WHOLE]
    areas = np.array([b.sum() / m.sum() for b, m in zip(blobs, masks, strict=True)])
    assert abs(np.median(areas) - 1) < 0.05 and (np.abs(areas - 1) < 0.2).all(), areas
    overlaps = np.array([[overlap(b, m) for m in masks] for b in blobs])
    assert np.diag(overlaps).max() < 0.75
    others = overlaps[~np.eye(len(WHOLE), dtype=bool)]
    assert abs(np.diag(overlaps).mean() - others.mean()) < 0.1, "as with objects of other images"


def test_the_blob_wears_the_objects_skin_where_both_are():
    for f in WHOLE:
        rng = np.random.default_rng([*f.seed, zlib.crc32(b"texture_blob")])
        blob = texture_blob(f, None, 0, rng)[0][..., 0]
        both = (blob == 1) & (object_mask(f)[..., 0] == 1)
        assert np.array_equal(drawn(f, "texture_blob")[:, both], drawn(f)[:, both])


def test_a_texture_field_is_the_objects_skin_and_nothing_else():
    for f in WHOLE:
        inside = object_mask(f)[..., 0] == 1
        field = drawn(f, "texture_field")
        assert np.array_equal(field[:, inside], drawn(f)[:, inside])
        elsewhere = replace(f, background=f.background + 0.1, clutter=(), pose=f.pose + 0.1)
        assert np.array_equal(render(elsewhere, paint="texture_field"), field)


def to_pixels(fine: np.ndarray) -> np.ndarray:
    """The supersampled values of each pixel: (SIZE, SIZE, 16)."""
    fine = fine.reshape(SIZE, SUPERSAMPLE, SIZE, SUPERSAMPLE).swapaxes(1, 2)
    return fine.reshape(SIZE, SIZE, -1)


def test_an_outline_is_a_band_in_the_objects_colour_and_the_background_elsewhere():
    for f in WHOLE:
        found, ground = drawn(f, "outline"), render(f, OWN, "ground").astype(int)
        covered = to_pixels(paint_parts(f.category, f.pose) > 0)
        inwards = to_pixels(ndimage.distance_transform_edt(paint_parts(f.category, f.pose) > 0))
        in_band = covered & (inwards <= BAND * SUPERSAMPLE)
        elsewhere, wholly = ~in_band.any(-1), in_band.all(-1)
        assert elsewhere.mean() > 0.5 and wholly.any()
        assert np.array_equal(found[:, elsewhere], ground[:, elsewhere])
        assert np.array_equal(found[:, wholly], drawn(f, "flat")[:, wholly])


def test_low_silhouettes_are_plain_and_their_contrast_falls_with_the_level():
    levels = RECORDS["silhouette_low"].levels
    assert list(levels) == sorted(levels, reverse=True) and 1 in levels
    for f in WHOLE[:12]:
        inside = object_mask(f)[..., 0] == 1
        outside = object_mask(f)[..., 0] == 0
        contrasts = []
        for level in levels:
            image = drawn(f, "silhouette_low", level) / 255
            for region in (inside, outside):  # of one colour, but for the noise
                assert image[:, region].std(1).max() < 4 * OWN.noise
            contrasts.append(np.abs(image[:, inside].mean(1) - image[:, outside].mean(1)))
        assert (np.diff(contrasts, axis=0) <= 1e-3).all()
        own = np.abs(np.clip(f.colour, 0, 1) - f.background)
        assert np.abs(contrasts[list(levels).index(1)] - own).max() < 0.01
        assert (
            np.abs(contrasts[list(levels).index(0.5)] - np.abs(f.colour - f.background) / 2).max()
            < 0.01
        )


@pytest.mark.parametrize("category", CATEGORIES)
def test_shuffled_parts_are_the_parts_each_in_the_place_of_another(category):
    f = replace(WHOLE[0], category=category, pose=np.array([[22.0, 2, 32], [-2, 22, 32]]))
    parts = pieces(f)
    covered = np.any([m for _, m in parts], axis=0)
    assert not ((paint_parts(category, f.pose) > 0) & ~covered).any(), "they make up the object"
    moved, order = shuffled(f, np.random.default_rng(0))
    assert sorted(order) == list(range(len(parts)))
    centres = [np.mean(np.nonzero(m), axis=1) for _, m in parts]
    for (_, before), after, place in zip(parts, moved, order, strict=True):
        assert after.sum() > 0.75 * before.sum(), "but for what leaves the image"
        if after.sum() == before.sum():
            assert np.abs(np.mean(np.nonzero(after), axis=1) - centres[place]).max() <= 0.51
    shares = np.any(moved, axis=0).sum() / sum(m.sum() for _, m in parts)
    assert 0.6 < shares <= 1
    home = np.mean([parts[i][0] == parts[k][0] for i, k in enumerate(order)])
    most = max(np.mean([n == name for n, _ in parts]) for name, _ in parts)
    assert home <= max(0.5, 2 * most - 1) + 1e-9, "a place of another part, where there are enough"
    assert (order != np.arange(len(order))).any()


def test_shuffled_parts_keep_the_skin_and_the_background():
    for f in WHOLE:
        found, mask = drawn(f, "parts_shuffled"), object_mask(f)[..., 0]
        flat, ground = drawn(f, "parts_shuffled_flat"), render(f, OWN, "ground")
        at = (found != flat).any(0)  # where the texture is seen
        assert at.any() and (found != drawn(f)).any()
        both = at & (mask == 1) & (found == drawn(f)).all(0)
        assert both.sum() > 0.5 * (at & (mask == 1)).sum()
        untouched = (found == ground).all(0)
        assert untouched.mean() > 0.3
    for i in range(40):
        f = factors("validation", i)
        if not f.whole:
            assert np.array_equal(drawn(f, "parts_shuffled"), drawn(f)), "a fragment stays"


# --- contrast as an axis ------------------------------------------------------------------------


CONTRASTS = ("texture_contrast", "object_contrast", "clutter_contrast", "background", "noise")


@pytest.mark.parametrize("name", CONTRASTS)
@pytest.mark.parametrize("value", [0.0, 0.01, 0.5])
def test_a_contrast_changes_no_other_factor(name, value):
    """Along an axis of contrast pose, colours, clutter and noise stay, bit for bit."""
    depends = {"object_contrast": "colour", "clutter_contrast": "clutter", "background": "field"}
    for split in pictograms.SPLITS:
        for i in range(8):
            a, b = factors(split, i), factors(split, i, replace(OWN, **{name: value}))
            for fact in vars(a).keys() - {depends.get(name), "clutter"}:
                assert np.array_equal(getattr(a, fact), getattr(b, fact)), fact
            for (corners, colour), (others, other) in zip(a.clutter, b.clutter, strict=True):
                assert np.array_equal(corners, others)
                assert np.array_equal(colour, other) == (name != "clutter_contrast")


@pytest.mark.parametrize("value", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("name", ["texture_contrast", "object_contrast"])
def test_along_an_axis_of_contrast_all_but_the_object_stays_bit_for_bit(name, value):
    for f in WHOLE[:12]:
        outside = object_mask(f)[..., 0] == 0
        assert np.array_equal(drawn(f, **{name: value})[:, outside], drawn(f)[:, outside])


def test_the_objects_colour_moves_from_that_of_the_background_in_proportion():
    f, twice = (
        WHOLE[0],
        factors("cue_conflict", 0, replace(OWN, object_contrast=2 * OWN.object_contrast)),
    )
    assert twice.colour - f.background == pytest.approx(2 * (f.colour - f.background))


# --- records, image sets ------------------------------------------------------------------------


def test_each_record_is_a_rendition_of_the_dataset_and_a_distortion_of_its_own():
    dataset = get_dataset("pictograms")
    for name, record in RECORDS.items():
        distortion = get_distortion(name)
        assert name in dataset.renditions and distortion.title == record.title
        assert distortion.levels == record.levels and record.keeps in distortion.reference
        assert record.paint == "natural" or record.paint in FIGURES


@pytest.mark.parametrize("name", RECORDS)
def test_photographs_have_none(name):
    assert name not in distortion_names() and name not in get_dataset("imagenet").renditions
    image = np.zeros((64, 64, 3), np.float32)
    with pytest.raises(FileNotFoundError, match="choose the dataset pictograms"):
        distort(image, name, 1)


@pytest.fixture
def small_splits(tmp_path, monkeypatch):
    monkeypatch.setattr(pictograms, "RAW", tmp_path)
    monkeypatch.setattr(pictograms, "SPLITS", {"train": 16, "validation": 16, "cue_conflict": 16})
    monkeypatch.setattr(pictograms, "cores", lambda: 1)
    pictograms.pictograms.cache_clear()
    yield
    pictograms.pictograms.cache_clear()


def test_a_set_so_distorted_has_the_images_as_drawn_at_that_level(small_splits):
    dataset = get_dataset("pictograms")
    images = pictograms.pictograms("validation").subset([5, 3], "two")
    digests = {images.digest}
    for name, record in RECORDS.items():
        for level in record.levels:
            found = distorted(dataset, images, name, level)
            wanted = [drawn(factors("validation", i), name, level) for i in (5, 3)]
            assert np.array_equal((found.load([0, 1]) * 255).round().numpy(), wanted)
            assert found.table.equals(images.table) and found.name == f"two-{name}-{level}"
            digests.add(found.digest)
    assert len(digests) == 1 + sum(len(r.levels) for r in RENDITIONS)


# --- norms --------------------------------------------------------------------------------------


def test_the_norm_of_a_cue_is_that_of_what_it_adds_to_the_image():
    settings = replace(OWN, noise=0.02)
    table = cue_norms("validation", [0, 2, 5], settings)
    assert list(table.columns) == ["index", "whole", "cue", "norm"] and len(table) == 3 * 4
    for index, norms in table.groupby("index"):
        f = factors("validation", index, settings)
        found = norms.set_index("cue")["norm"]
        assert norms["whole"].eq(f.whole).all()
        assert found["noise"] == pytest.approx(0.02 * np.sqrt(3 * SIZE * SIZE), rel=0.05)
        mask, step = object_mask(f), np.abs(np.clip(f.colour, 0, 1) - f.background)
        assert found["figure_ground"] == pytest.approx(np.linalg.norm(mask * step), rel=0.35)
    # A contrast twice as small is a norm twice as small; clutter that is not there has none.
    half = replace(settings, texture_contrast=OWN.texture_contrast / 2, clutter=0)
    less = cue_norms("cue_conflict", [40], half).set_index("cue")["norm"]
    more = cue_norms("cue_conflict", [40], replace(half, texture_contrast=OWN.texture_contrast))
    assert more.set_index("cue")["norm"]["texture"] == pytest.approx(2 * less["texture"], rel=0.1)
    assert less["clutter"] == 0


def test_the_texture_of_a_fragment_is_small_and_that_of_an_object_smaller_than_its_contrast():
    table = validation_norms(96)
    assert ((table["low"] <= table["median"]) & (table["median"] <= table["high"])).all()
    assert table.groupby("cue")["n"].sum().eq(96).all()
    median = table.set_index(["cue", "whole"])["median"]
    assert median["figure_ground", True] == pytest.approx(14.3, abs=1.5)
    assert median["texture", True] == pytest.approx(5.3, abs=0.7)
    assert median["texture", False] == pytest.approx(2.4, abs=0.4)


# --- the drawing is that of its version ---------------------------------------------------------


def statistics(paint: str) -> list[float]:
    """Mean, standard deviation and mean step from pixel to pixel, of eight images (0 to 255)."""
    images = np.stack(
        [render(factors("cue_conflict", i), paint=paint) for i in range(0, 1200, 150)]
    )
    images = images.astype(float)
    return [
        round(float(n), 2) for n in (images.mean(), images.std(), np.abs(np.diff(images)).mean())
    ]


GOLDEN_VERSION = 1
GOLDEN = {
    "retextured": [138.16, 49.99, 6.6],
    "texture_blob": [137.77, 50.29, 6.49],
    "texture_field": [145.9, 85.25, 22.2],
    "outline": [137.12, 44.36, 7.14],
    "parts_shuffled": [138.14, 49.66, 7.9],
    "ground": [135.04, 39.46, 1.88],
}
"""What :func:`statistics` gave when this version of the drawing was made."""


@pytest.mark.parametrize("paint", FIGURES)
def test_the_drawing_is_that_of_its_version(paint):
    found, wanted = statistics(paint), GOLDEN[paint]
    assert pictograms.VERSION == GOLDEN_VERSION, "print GOLDEN anew, see above"
    assert np.abs(np.subtract(found, wanted)).max() < 0.06, (
        f"the drawing of {paint} changed, but not VERSION in datasets/pictograms/images.py: raise "
        f"it, else cached results are taken for those of other images; found is {found}"
    )


if __name__ == "__main__":
    for name in FIGURES:
        print(f'    "{name}": {statistics(name)},')
