"""The site opens from a folder, asks nobody for anything, and has no broken link."""

import json
import re
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from helpers.browser import chromium

from shapebias_utils import paths, site
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.claims import KEPT
from shapebias_utils.cli import main
from shapebias_utils.files import sha256
from shapebias_utils.paths import NOTEBOOKS, ROOT
from shapebias_utils.site import crate, mixer, pages

pytest.importorskip("sphinx", reason="the site needs pip install -e '.[site]'")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The whole site, of what is in the repository."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("site")
        patch.setattr(site, "BUILD", folder)
        for module in (site, pages, crate):  # the tests' own figures go elsewhere
            patch.setattr(module, "FIGURES", KEPT)
        return site.build(folder / "pages").parent


LINK = re.compile(r"""<(?:a|img|script|link|iframe|source)\b[^>]*?\b(?:href|src)=["']([^"']+)""")
PAGES = (
    "index", "claims", "gallery", "notebooks/03_cue_conflict", "guides/own_network",
    "guides/faults", "api/index",
)  # fmt: skip


def test_it_has_its_pages(built):
    for page in PAGES:
        assert (built / f"{page}.html").stat().st_size > 2000, page


def test_no_page_links_to_what_is_not_there(built):
    broken = []
    for page in built.rglob("*.html"):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            parts = urlsplit(target)
            if parts.scheme or not parts.path:
                continue
            if not (page.parent / unquote(parts.path)).exists():
                broken.append(f"{page.relative_to(built)}: {target}")
    assert not broken, broken[:10]


def test_no_page_loads_anything_from_elsewhere(built):
    """A link may lead away; what a page loads may not come from elsewhere."""
    loads = re.compile(
        r"""<(?:img|script|iframe|source|link)\b[^>]*?\b(?:href|src)=["'](https?:[^"']+)"""
    )
    found = {url for page in built.rglob("*.html") for url in loads.findall(page.read_text())}
    assert not found


def test_it_is_small(built):
    assert sum(p.stat().st_size for p in built.rglob("*") if p.is_file()) < 40e6


def test_states_of_widgets_in_executed_copies_do_not_reach_the_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "BUILD", tmp_path)
    notebook = json.loads((NOTEBOOKS / "10_claims.ipynb").read_text(encoding="utf-8"))
    notebook["metadata"]["widgets"] = {"state": "of widgets"}
    (tmp_path / "pictograms").mkdir()
    (tmp_path / "pictograms" / "10_claims.ipynb").write_text(json.dumps(notebook))
    site.assemble(tmp_path / "source", "pictograms")
    written = (tmp_path / "source" / "notebooks" / "10_claims.ipynb").read_text(encoding="utf-8")
    assert "of widgets" not in written and json.loads(written)["cells"]


def test_every_figure_is_in_the_gallery(built):
    text = (built / "gallery.html").read_text()
    for name in ("pictograms",):
        for path in (KEPT / name).glob("*.png"):
            assert f"figures/{name}/{path.name}" in text
            assert (built / "figures" / name / f"{path.stem}.csv").exists()


def test_every_public_function_has_its_place_in_the_api(built):
    text = "".join(p.read_text() for p in (built / "api").glob("*.html"))
    for name in ("measures.statistics.effects", "attacks.pgd", "claims.Claim", "datasets.Dataset"):
        assert f'id="shapebias_utils.{name}"' in text


def test_the_crate_ties_figures_to_notebooks_and_weights(built):
    graph = json.loads((built / "ro-crate-metadata.json").read_text())["@graph"]
    known = {entity["@id"]: entity for entity in graph}
    action = known["#pictograms-03_cue_conflict"]
    assert action["instrument"]["@id"] == "notebooks/03_cue_conflict.html"
    values = known["figures/pictograms/03_heatmap.csv"]
    assert {"@id": values["@id"]} in action["result"]
    assert values["sha256"] == sha256(built / values["@id"])
    weights = [known[part["@id"]] for part in action["object"]]
    assert {"AlexNet", "AlexNet-R"} <= {w["name"] for w in weights}
    assert all(w["sha256"] == sha256(ROOT / w["@id"]) for w in weights)
    for entity in graph:
        if entity["@type"] == "File" and not entity["@id"].startswith("data/"):
            assert (built / entity["@id"]).exists(), entity["@id"]


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="needs Chromium")
def test_in_a_browser_no_request_leaves_it_and_the_mixer_moves(built):
    """Every request but those of files is blocked and counted; there is none."""
    from playwright.sync_api import sync_playwright

    elsewhere, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})

        def judge(route):
            if route.request.url.startswith("file:"):
                return route.continue_()
            elsewhere.append(route.request.url)
            return route.abort()

        page.route("**/*", judge)
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in PAGES:
            page.goto((built / f"{name}.html").as_uri())
        page.goto((built / "search.html").as_uri() + "?q=texture")
        page.wait_for_selector("ul.search li", timeout=20_000)
        if (built / "explore.html").exists():
            page.goto((built / "explore.html").as_uri())
            titles = []
            for contrast in ("0", "4"):
                page.fill("#mixer-level", contrast)
                titles.append(page.inner_text(".mixer-bars"))
            page.select_option("#mixer-shape", label="knife")
            assert "knife (shape)" in page.inner_text(".mixer-bars")
            assert titles[0] != titles[1]
            said = page.inner_text(".mixer-bars")
            page.click("#mixer-link")
            page.reload()
            assert page.inner_text(".mixer-bars") == said, "the link opens the same image again"
        width = page.evaluate("document.documentElement.scrollWidth")
        page.set_viewport_size({"width": 390, "height": 800})
        for name in ("index", "explore"):
            if (built / f"{name}.html").exists():
                page.goto((built / f"{name}.html").as_uri())
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= 392, f"{name} scrolls sideways at 390 px: {width}"
        browser.close()
    # The theme looks for a list of versions beside the page, which a folder does not serve.
    assert not elsewhere and set(errors) <= {"Failed to fetch"}


# The cue mixer's data


def test_the_mixers_text_holds_per_cent_level_by_level():
    rows = [
        {"network": "N", "level": level, "shape": s, "texture": t}
        | {c: (level + i + j + k) % 101 for k, c in enumerate(CATEGORIES)}
        for level in (0, 1)
        for i, s in enumerate(CATEGORIES)
        for j, t in enumerate(CATEGORIES)
    ]
    text = mixer._bytes(pd.DataFrame(rows))
    n = len(CATEGORIES)
    level, shape, texture, category = 1, 3, 5, 7
    found = ord(text[((level * n + shape) * n + texture) * n + category]) - 40
    assert found == (level + shape + texture + category) % 101
    assert len(text) == 2 * n**3


def test_without_data_there_is_no_mixer(tmp_path, monkeypatch):
    from shapebias_utils.datasets import get_dataset

    monkeypatch.setattr(mixer, "stored", lambda *_: pd.DataFrame())
    monkeypatch.setattr(pages, "FIGURES", KEPT)
    assert not mixer.write(tmp_path / "mixer", get_dataset("pictograms"))
    assert "explore" not in pages.all_pages("pictograms", mixer=False)


# Looking at a figure


def test_look_names_a_figure_by_a_part_of_its_name(capsys, monkeypatch):
    monkeypatch.setattr(paths, "FIGURES", KEPT)
    main_without_exit(["look", "03_heat", "--path"])
    assert "03_heatmap.png, values in 03_heatmap.csv, by notebook 03_cue_conflict" in (
        capsys.readouterr().out
    )


def main_without_exit(args):
    with pytest.raises(SystemExit) as end:
        main(args)
    assert end.value.code == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing_like_it", "no figure of pictograms is called"),
        ("0", "several figures of pictograms"),
    ],
)
def test_look_lists_what_there_is(capsys, monkeypatch, name, says):
    monkeypatch.setattr(paths, "FIGURES", KEPT)
    with pytest.raises(SystemExit) as end:
        main(["look", name])
    assert end.value.code == 1 and says in capsys.readouterr().err
