"""Notebook 11: what has been held against the measure since, as claims that can fail.

A doubt rests on one or more claims. Where a claim says what the doubt denies, the doubt falls if it
is reproduced; where it says what the doubt says, the doubt stands.
"""

from dataclasses import dataclass

import pandas as pd

from . import Claim, summed

_BOTH = {"paper": "after", "notebook": "11"}

CLAIMS = (
    Claim(
        key="more_than_blur",
        statement="R has more shape bias than S blurred until it is no more accurate than R",
        section="Wolff et al. 2026",
        quantity="shape bias at R's accuracy, blur: all images",
        expected=1,
        figure="11_more_than_blur",
        published="blur moves shape bias about half-way to humans (abstract)",
        caveat="accuracy is that of the dataset's validation images, fragments among them",
        **_BOTH,
    ),
    Claim(
        key="more_than_blur_whole",
        statement="The same at equal accuracy on whole objects",
        section="Wolff et al. 2026",
        quantity="shape bias at R's accuracy, blur: whole objects",
        expected=1,
        figure="11_more_than_blur",
        **_BOTH,
    ),
    Claim(
        key="more_than_blur_response",
        statement="The same where blurred S responds to no higher frequencies than R",
        section="Wolff et al. 2026",
        quantity="shape bias at R's response, blur",
        expected=1,
        figure="11_more_than_blur",
        caveat="the response is the power of the loss's gradient by the image, not its effect",
        **_BOTH,
    ),
    Claim(
        key="more_than_resizing",
        statement="R has more shape bias than S on images shrunk until it is no more accurate",
        section="Wolff et al. 2026",
        quantity="shape bias at R's accuracy, resizing: all images",
        expected=1,
        against=("standard",),
        figure="11_more_than_blur",
        **_BOTH,
    ),
    Claim(
        key="relies_less_on_texture",
        statement="R loses less of its accuracy than S where textures are exchanged",
        section="Burgert et al. 2025",
        quantity="lost without texture",
        expected=-1,
        figure="11_reliance",
        caveat="on photographs texture is smoothed away, and other things with it",
        **_BOTH,
    ),
    Claim(
        key="relies_more_on_global_shape",
        statement="R loses more of its accuracy than S where global shape is shuffled",
        section="Burgert et al. 2025",
        quantity="lost without global shape",
        expected=1,
        figure="11_reliance",
        **_BOTH,
    ),
    Claim(
        key="local_shape_before_texture",
        statement="S loses more of its accuracy without local shape than without texture",
        section="Burgert et al. 2025",
        quantity="lost without local shape, less without texture",
        expected=1,
        training="standard",
        against=("0",),
        figure="11_reliance",
        published="CNNs rely on local shape, less on texture (abstract)",
        **_BOTH,
    ),
    Claim(
        key="decides_more_by_shape",
        statement="R decides more of all conflict images by their shape than S",
        section="REFINED-BIAS 2026",
        quantity="decided by shape",
        expected=1,
        figure="11_balance",
        **_BOTH,
    ),
    Claim(
        key="ranks_shape_higher",
        statement="R ranks the shape's category higher than S",
        section="REFINED-BIAS 2026",
        quantity="reciprocal rank of shape",
        expected=1,
        figure="11_balance",
        **_BOTH,
    ),
    Claim(
        key="relies_on_arrangement",
        statement="R loses more of its accuracy than S where parts change places",
        section="Doshi et al. 2025",
        quantity="lost without arrangement",
        expected=1,
        figure="11_configural",
        **_BOTH,
    ),
    Claim(
        key="relies_on_arrangement_textured",
        statement="The same where the parts keep their texture",
        section="Doshi et al. 2025",
        quantity="lost without arrangement, textured",
        expected=1,
        figure="11_configural",
        caveat="what is left is texture too, of which S reads more",
        **_BOTH,
    ),
    Claim(
        key="arrangement_before_parts",
        statement="R decides by the arrangement of parts rather than by the parts",
        section="Doshi et al. 2025",
        quantity="decided by arrangement",
        expected=1,
        against=("0.5",),
        figure="11_configural",
        **_BOTH,
    ),
    Claim(
        key="low_frequencies",
        statement="R decides hybrid images by their low frequencies more often than S",
        section="Wolff et al. 2026",
        quantity="decided by low frequencies",
        expected=1,
        figure="11_frequency_conflict",
        **_BOTH,
    ),
    Claim(
        key="consistent_errors",
        statement="R networks err on the same images as each other more than S networks do",
        section="Klein et al. 2025",
        quantity="error consistency",
        expected=1,
        figure="11_error_consistency",
        published="many differences of error consistency are not significant (abstract)",
        caveat="between architectures of one training; humans have seen the real stimuli only",
        **_BOTH,
    ),
    Claim(
        key="above_untrained",
        statement="R has more shape bias than its architecture untrained",
        section="biases_vs_generalization",
        quantity="shape bias",
        expected=1,
        against=("untrained",),
        figure="11_doubts",
        published="an untrained ResNet-50 scores .651",
        **_BOTH,
    ),
    Claim(
        key="covers_more_than_untrained",
        statement="R decides more images by either cue than its architecture untrained",
        section="biases_vs_generalization",
        quantity="coverage",
        expected=1,
        against=("untrained",),
        figure="11_doubts",
        **_BOTH,
    ),
)


@dataclass(frozen=True)
class Doubt:
    """What is doubted, how it was tried, and the claims that decide.

    The doubt falls where all outcomes of its claims are among `refuted_by`, stands where all are
    among `confirmed_by`, and is open else.
    """

    doubt: str
    experiment: str
    claims: tuple[str, ...]
    refuted_by: tuple[str, ...] = ("reproduced",)
    confirmed_by: tuple[str, ...] = ("reversed",)


DOUBTS = (
    Doubt(
        "R is no more than a blur",
        "S on images blurred until it is no more accurate than R",
        ("more_than_blur",),
    ),
    Doubt(
        "R is no more than a blur, on whole objects",
        "the same, at equal accuracy on whole objects",
        ("more_than_blur_whole",),
    ),
    Doubt(
        "R is no more than a blur, chosen by what frequencies R responds to",
        "S on images blurred until it responds to no higher frequencies than R",
        ("more_than_blur_response",),
    ),
    Doubt(
        "R is no more than a coarser grid",
        "S on images shrunk until it is no more accurate than R",
        ("more_than_resizing",),
    ),
    Doubt(
        "Who wins a conflict says nothing of what is relied on",
        "texture taken alone, global shape taken alone",
        ("relies_less_on_texture", "relies_more_on_global_shape"),
    ),
    Doubt(
        "S relies on local shape rather than on texture",
        "each of the two taken alone",
        ("local_shape_before_texture",),
        refuted_by=("reversed",),
        confirmed_by=("reproduced",),
    ),
    Doubt(
        "The ratio rises because R is blind to texture, not because it reads shape",
        "decisions by shape among all, rank of the shape's category",
        ("decides_more_by_shape", "ranks_shape_higher"),
    ),
    Doubt(
        "What R reads is no configuration: R needs the places of parts no more than S",
        "parts in each other's places, no texture",
        ("relies_on_arrangement",),
    ),
    Doubt(
        "R needs the places of parts no more than S where texture can be read as well",
        "parts in each other's places, texture kept",
        ("relies_on_arrangement_textured",),
    ),
    Doubt(
        "Even R goes by the parts, not by their arrangement",
        "parts of one category in the arrangement of another",
        ("arrangement_before_parts",),
    ),
    Doubt(
        "Shape bias goes with a preference of low frequencies",
        "low frequencies of one image, high ones of another",
        ("low_frequencies",),
        refuted_by=("reversed",),
        confirmed_by=("reproduced",),
    ),
    Doubt(
        "S and R networks do not differ in which errors they share",
        "Cohen's kappa with the other architectures",
        ("consistent_errors",),
        refuted_by=("reproduced", "reversed"),
        confirmed_by=(),
    ),
    Doubt(
        "A network that has learnt nothing scores as high",
        "the same architectures untrained",
        ("above_untrained", "covers_more_than_untrained"),
    ),
)


def settled(judged: pd.DataFrame) -> pd.DataFrame:
    """What becomes of each doubt: a row a doubt, from ``claims.judged("11", ...)``.

    `doubt`, `experiment`, `outcomes` of its comparisons in words, `n` units and `seeds` that they
    rest on at least, and `verdict`: "falls", "stands" or "open" (:class:`Doubt`).
    """
    rows = []
    for doubt in DOUBTS:
        own = judged[judged["claim"].isin(doubt.claims)]
        found, verdict = set(own["verdict"]), "open"
        if found and found <= set(doubt.refuted_by):
            verdict = "falls"
        elif found and found <= set(doubt.confirmed_by):
            verdict = "stands"
        said = summed(own["verdict"]) if len(own) else "not tested"
        least = own.reindex(columns=["n", "seeds"]).min()
        rows.append([doubt.doubt, doubt.experiment, said, *least, verdict])
    table = pd.DataFrame(rows, columns=["doubt", "experiment", "outcomes", "n", "seeds", "verdict"])
    return table.astype({"n": "Int64", "seeds": "Int64"})
