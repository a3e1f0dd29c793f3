"""The offline HTML companion: the executed notebooks, a gallery, the claims, guides, the API.

Built by Sphinx from what the notebooks left behind; nothing is run, and the pages ask no other
server for anything, so that they open from a folder with the network off.
"""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

from ..datasets import get_dataset
from ..files import atomic_folder, locked
from ..hardware import cores
from ..notebooks import clean_metadata
from ..paths import BUILD, FIGURES, NOTEBOOKS, ROOT

STATIC = Path(__file__).parent / "static"
GUIDES = ROOT / "docs"

TO_NOTEBOOK = re.compile(r'href="(\d\d_\w+)\.ipynb')

SETTINGS = {
    "project": "Shape and simplicity biases",
    "author": "the companion's authors",
    "copyright": "MIT licence",
    "html_title": "Shape and simplicity biases of robust CNNs",
    "extensions": [
        "myst_nb", "sphinx.ext.autodoc", "shapebias_utils.site.mathml",
    ],
    "html_theme": "sphinx_book_theme",
    "html_theme_options": {
        "show_toc_level": 2,
        "use_download_button": False,
        "use_fullscreen_button": False,
        "navigation_with_keys": True,
        "search_bar_text": "Search",
    },
    "html_static_path": [str(STATIC)],
    "html_css_files": ["companion.css"],
    "html_math_renderer": "mathml",
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "nb_execution_mode": "off",
    "nb_ipywidgets_js": {},  # would be fetched; a static figure says the same
    "nb_output_stderr": "remove",
    "myst_enable_extensions": ["dollarmath", "colon_fence"],
    "myst_heading_anchors": 3,
    "autodoc_typehints": "description",
    "autodoc_member_order": "bysource",
    "add_module_names": False,
    "exclude_patterns": ["extra"],
    "suppress_warnings": ["mystnb.unknown_mime_type", "myst.header", "ref.python"],
}  # fmt: skip
"""Of Sphinx."""


def build(out: Path | None = None, dataset: str = "pictograms") -> Path:
    """The path of the site's first page, ``build/site/index.html`` unless `out` is another folder.

    Notebooks are the executed copies under ``build/<dataset>/``, where there are any, else those of
    the repository; figures and claims are those of all datasets that have some. What was there
    stays until all of it is built. ValueError where `out` holds something else; RuntimeError where
    Sphinx is not installed (``pip install -e .[site]``).
    """
    from . import crate, pages

    try:
        from sphinx.application import Sphinx
    except ImportError:
        raise RuntimeError("the site needs Sphinx: pip install -e '.[site]'") from None
    out = (out or BUILD / "site").resolve()
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").exists():
        raise ValueError(f"{out} holds something else than a site: name another folder")
    source = BUILD / "site-source"
    with locked(source), atomic_folder(out) as pages_of:
        shutil.rmtree(source, ignore_errors=True)
        assemble(source, dataset)
        settings = SETTINGS | {"html_extra_path": [str(source / "extra")]}
        app = Sphinx(
            source, None, pages_of, BUILD / "site-doctrees", "html", settings, None, freshenv=True
        )
        app.build()
        if app.statuscode:
            raise RuntimeError("Sphinx could not build the site: its messages stand above")
        _tidy(pages_of)
        crate.write(pages_of, pages.datasets())
    return out / "index.html"


def _tidy(out: Path) -> None:
    """Let links in notebooks' outputs lead to pages, and leave out what only the theme's authors
    need: maps of its sources, and templates."""
    for page in (out / "notebooks").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(TO_NOTEBOOK.sub(r'href="\1.html', text), encoding="utf-8")
    with ThreadPoolExecutor(cores()) as pool:
        pictures = [*(out / "_images").glob("*.png"), *(out / "figures").rglob("*.png")]
        list(pool.map(_lighten, pictures))
    static = out / "_static"
    for path in [*static.rglob("*.map"), *static.glob("*webpack-macros.html")]:
        path.unlink()


def _lighten(path: Path) -> None:
    """Keep a picture in 256 colours of its own: half as large, and no eye sees it."""
    with Image.open(path) as picture:
        picture.load()
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    fewer = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    contents = BytesIO()
    fewer.save(contents, "PNG")
    if contents.tell() < path.stat().st_size:
        path.write_bytes(contents.getvalue())


def assemble(source: Path, dataset: str) -> None:
    """Write the sources of all pages into the folder, for Sphinx to build."""
    from . import bench, mixer, pages

    (source / "notebooks").mkdir(parents=True)
    for notebook in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        executed = BUILD / dataset / notebook.name
        page = source / "notebooks" / notebook.name
        shutil.copy(executed if executed.exists() else notebook, page)
        clean_metadata(page)  # states of widgets, which no page can show, are megabytes
    for guide in sorted([*GUIDES.glob("*.md"), *GUIDES.glob("*.csv")]):  # with their tables
        (source / "guides").mkdir(exist_ok=True)
        shutil.copy(guide, source / "guides")
    for folder in sorted(FIGURES.glob("*/")):
        kept = source / "extra" / "figures" / folder.name
        kept.mkdir(parents=True)
        for path in folder.iterdir():
            if path.suffix in (".png", ".csv", ".html"):
                shutil.copy(path, kept)
    there = mixer.write(source / "extra" / "mixer", get_dataset(dataset))
    timed = bench.page(source)
    for name, text in pages.all_pages(dataset, there, timed).items():
        path = source / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
