"""Claims of Appendix E and Section 3.3.1: networks on the corruptions of ImageNet-C."""

from . import Claim

_ABOUT = {"paper": "shape_simplicity", "section": "Appendix E", "notebook": "08"}
_TABLE = "data/reported/tableA1_corruptions.csv"

CLAIMS = (
    Claim(
        key="08_noise",
        statement="R is more accurate under noise",
        quantity="accuracy: noise",
        expected=1,
        figure="08_heatmap",
        published=f"of AlexNet and ResNet; {_TABLE}",
        caveat="not claimed of GoogLeNet, of which Table A1 has the reverse",
        **_ABOUT,
    ),
    Claim(
        key="08_blur",
        statement="R is more accurate under blur",
        quantity="accuracy: blur",
        expected=1,
        figure="08_heatmap",
        published=f"of AlexNet and ResNet; {_TABLE}",
        caveat="of linear blurs Table A1 has small differences of either sign",
        **_ABOUT,
    ),
    Claim(
        key="08_mean",
        statement="R is less accurate on average over the 15 corruptions",
        quantity="accuracy: mean of 15",
        expected=-1,
        figure="08_tableA1_corruptions",
        published=f"{_TABLE}; of AlexNet its own numbers say the reverse",
        **_ABOUT,
    ),
    Claim(
        key="08_contrast",
        statement="R is less accurate where contrast is taken away",
        quantity="accuracy: contrast",
        expected=-1,
        figure="08_heatmap",
        published=_TABLE,
        **_ABOUT,
    ),
    Claim(
        key="08_fog",
        statement="R is less accurate in fog",
        quantity="accuracy: fog",
        expected=-1,
        figure="08_heatmap",
        published=_TABLE,
        **_ABOUT,
    ),
    Claim(
        key="08_frequency",
        statement="R gains more, the higher the frequencies that a corruption changes",
        quantity="gain by high frequency",
        expected=1,
        paper="after",
        section="Yin et al. 2019",
        notebook="08",
        figure="08_frequency",
        published="of CIFAR-10-C, for adversarial training and Gaussian noise",
        caveat="a rank correlation over 19 corruptions; what a blur takes away counts as a change",
    ),
)
