"""Sentences on what adversarial training gains and costs: notebook 01, computed from its tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..results import reported
from . import listed

KINDS = {"standard": "S", "robust": "R", "control": "the control"}


def by_part(accuracies: pd.DataFrame, parts: Sequence[str]) -> str:
    """How accurate each kind of network is on these subsets of clean images: a Markdown list.

    `accuracies` as from ``measures.robustness.by_subset``. "" without subsets.
    """
    clean, lines = accuracies[accuracies["eps"] == 0], []
    for part in parts:
        own = clean[clean["subset"] == part]
        names = list(dict.fromkeys(own["architecture"]))
        said = []
        for training, who in KINDS.items():
            of = own[own["training"] == training].set_index("architecture")["accuracy"]
            if len(of):
                said.append(f"{who} {_per_cent(of.reindex(names))}")
        if said:
            line = f"- On **{part}**, of {listed(names)}, right: {'; '.join(said)} %."
            lines.append(line + _given_up(own))
    return "\n".join(lines)


def _given_up(clean: pd.DataFrame) -> str:
    """What R has less than S, in points on average, and whether it is above chance anywhere."""
    wide = clean.pivot_table(index="architecture", columns="training", values="accuracy")
    if not {"standard", "robust"} <= set(wide):
        return ""
    lost = (wide["standard"] - wide["robust"]).mean()
    return f" R gives up {100 * lost:.1f} points on average." if lost > 0 else ""


def fooled(norms: pd.DataFrame | None, budgets: Sequence[float]) -> str:
    """Which cues are so small that an attack may cancel them in half of the images: a sentence.

    `norms` as from ``Dataset.cue_norms``; "" where they are not known.
    """
    if norms is None or norms.empty:
        return ""
    sentences = []
    for eps in budgets:
        below = norms[norms["median"] <= eps]
        names = [
            f"{row.cue.replace('_', '-')} of {'whole objects' if row.whole else 'fragments'} "
            f"({row.median:.1f})"
            for row in below.sort_values("median").itertuples()
        ]
        what = listed(names) if names else "none of the cues"
        sentences.append(f"Not larger than eps {eps:g} in the median: {what}.")
    return " ".join(sentences)


def left_out(agreement: pd.DataFrame) -> str:
    """What the correctly labelled subset leaves out of each part, and whose images these are.

    `agreement` as from ``measures.robustness.agreement``: a Markdown list, "" without pairs.
    """
    lines = []
    for subset, own in agreement.groupby("subset", sort=False):
        shares = own.pivot(index="architecture", columns="outcome", values="share")
        shares = shares.loc[own["architecture"].unique()]
        lines.append(
            f"- Of **{subset}**, {_per_cent(1 - shares['both'])} % are left out "
            f"({listed(list(shares.index))}): {_per_cent(shares['S only'])} % that S alone labels "
            f"correctly, {_per_cent(shares['R only'])} % that R alone does."
        )
    return "\n".join(lines)


def interpolated(table: pd.DataFrame, x: str, y: str, at: float) -> float:
    """`y` at `x` = `at`, linear between the rows' means; nan outside of them."""
    means = table.groupby(x)[y].mean()
    return float(np.interp(at, means.index, means, left=np.nan, right=np.nan))


def along_both(along: pd.DataFrame, contrasts: pd.DataFrame) -> str:
    """How far shape bias moves along the eps of training, and along the contrast of textures.

    A Markdown list from the studies that :func:`operating_point` takes; "" without them.
    """
    lines = []
    for architecture, own in along.groupby("architecture", sort=False) if len(along) else ():
        means = own.groupby("eps")["shape_bias"].mean()
        steps = " → ".join(f"{100 * value:.0f}" for value in means)
        at = ", ".join(f"{eps:g}" for eps in means.index)
        lines.append(f"- {architecture}, at eps {at}: shape bias {steps} %.")
    for eps, own in contrasts.groupby("eps") if len(contrasts) else ():
        own = own.sort_values("texture_contrast")
        steps = " → ".join(f"{100 * value:.0f}" for value in own["shape_bias"])
        at = ", ".join(f"{c:g}" for c in own["texture_contrast"])
        who = f"R trained at eps {eps:g}" if eps else "S"
        lines.append(f"- {who}, at texture contrast {at}: shape bias {steps} %.")
    return "\n".join(lines)


def operating_point(
    along: pd.DataFrame,
    contrasts: pd.DataFrame,
    scales: tuple[float, float],
    budget: float,
    theirs: float = 3.0,
) -> str:
    """Which contrast of textures and which eps would have been chosen without a look at R.

    `along` as from ``studies.eps_curve`` and `contrasts` from ``studies.sensitivity``; `scales` as
    for ``figures.eps_curve``; `budget` is the eps that R was trained at here, `theirs` in the
    paper. Markdown; "" without the studies.
    """
    lines = []
    if len(contrasts):
        name = "AlexNet"
        paper = reported("table2_shape_bias").set_index(["architecture", "training"])["shape"]
        wanted = paper[name, "standard"] / 100
        s = contrasts[contrasts["eps"] == 0].sort_values("texture_contrast")
        nearest = s.iloc[(s["shape_bias"] - wanted).abs().argmin()]
        at = float(np.interp(wanted, s["shape_bias"][::-1], s["texture_contrast"][::-1]))
        lines.append(
            f"- **By S alone, the contrast**: of the contrasts tried, S comes nearest to the "
            f"paper's {name} ({100 * wanted:.1f} %) at {nearest['texture_contrast']:g}, with "
            f"{100 * nearest['shape_bias']:.1f} %; by interpolation it would meet it at {at:.3f}."
        )
    if len(along) and np.isfinite(scales).all():
        eps = theirs * scales[0] / scales[1]
        own = [
            f"{a} {100 * interpolated(of, 'eps', 'shape_bias', eps):.0f} % "
            f"({100 * interpolated(of, 'eps', 'shape_bias', budget):.0f} % at eps {budget:g})"
            for a, of in along.groupby("architecture", sort=False)
        ]
        published = reported("eps_curve")
        known = interpolated(published, "eps", "shape_bias", theirs)
        lines.append(
            f"- **By the scale of the images, the eps**: two images of different classes are "
            f"{scales[0]:.1f} apart here and {scales[1]:.0f} on ImageNet (medians), so that eps "
            f"{theirs:g} there is {eps:.2f} here. Trained at that eps, by interpolation, networks "
            f"have a shape bias of {listed(own)}; ResNet-50 on ImageNet, published: {known:.0f} %."
        )
    return "\n".join(lines)


def _per_cent(shares: pd.Series) -> str:
    return listed([f"{100 * share:.0f}" for share in shares])
