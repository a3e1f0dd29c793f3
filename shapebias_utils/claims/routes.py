"""Claims about the routes to a shape bias (notebook 12): AdvProp, other norms, smoothness.

The order of AdvProp's shape bias is judged in 03, what stylized images bring in 06.
"""

from functools import partial

from . import Claim

_claim = partial(Claim, notebook="12", figure="03_routes", quantity="shape bias")
_chen = partial(_claim, paper="shape_simplicity")

CLAIMS = (
    _chen(
        key="advprop-clean",
        section="Sec. 2, Table 1",
        statement="AdvProp is more accurate on clean images than S",
        quantity="accuracy: clean",
        expected=1,
        training="advprop-pgd1",
        published="77.31 against 76.13 %",
        caveat="little room above S on whole pictograms",
    ),
    _chen(
        key="advprop-adversarial",
        section="Sec. 2, Table 1",
        statement="AdvProp is more accurate under attack than S",
        quantity="accuracy: adversarial",
        expected=1,
        training="advprop-pgd1",
        published="69.02 against 0.35 %, more than R's 36.11",
        caveat="the published numbers are higher than those of R, which is hard to believe",
    ),
    _chen(
        key="smooth-filters-noise",
        section="Sec. 5",
        statement="Filters kept smooth make a network more accurate on noisy images",
        quantity="accuracy: noise",
        expected=1,
        training="smooth-filters",
        against=("control",),
        published="put forward, not tested",
    ),
    _chen(
        key="joint-shape-bias",
        section="Sec. 5",
        statement="Adversaries and stylized images together give more shape bias than adversaries",
        expected=1,
        training="joint",
        against=("robust",),
        published="put forward, not tested",
    ),
    _claim(
        key="linf-shape-bias",
        paper="interpreting_at",
        section="Sec. 4",
        statement="Adversaries of the Linf norm give a shape bias too",
        expected=1,
        training="linf4",
        against=("control",),
        published="stated of stylized and saturated images",
    ),
    _claim(
        key="fgsm-shape-bias",
        paper="interpreting_at",
        section="Sec. 4",
        statement="Adversaries of a single step (FGSM) give a shape bias too",
        expected=1,
        training="fgsm4",
        against=("control",),
        published="stated of stylized and saturated images",
    ),
    _claim(
        key="not-underfitting",
        paper="interpreting_at",
        section="Sec. 4",
        statement="R has more shape bias than a network as inaccurate for lack of training",
        expected=1,
        against=("underfit",),
        published="stated of stylized and saturated images",
    ),
)
