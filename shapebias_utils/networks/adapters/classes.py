"""Which of a network's outputs is which of ImageNet's 1,000 classes: by WNID, or by name."""

from collections.abc import Sequence

N_CLASSES = 1000


def by_wnid(outputs: Sequence[str], classes: Sequence[str], who: str) -> tuple[int, ...] | None:
    """The output of each of the `classes`, both named by WNIDs; None if they are in that order.

    ValueError names the first class that `who` has no output for.
    """
    place = {wnid: i for i, wnid in enumerate(outputs)}
    for label, wnid in enumerate(classes):
        if wnid not in place:
            raise ValueError(
                f"{who} has no output for {wnid}, ImageNet's class {label}, among its "
                f"{len(outputs):,}: take weights that were trained or finetuned on ImageNet-1k"
            )
    order = [place[wnid] for wnid in classes]
    return None if order == list(range(len(outputs))) else tuple(order)


def by_name(outputs: Sequence[str], who: str) -> tuple[int, ...] | None:
    """The output of each of ImageNet's classes, by their names; None if there are no others.

    Names do not tell all classes apart (two are "crane"), so that they must come in ImageNet's
    order; one may stand before them, as "background" does. An output fits a class if it has one of
    the synonyms in its name ("tench, Tinca tinca"). ValueError names the first that does not.
    """
    before = len(outputs) - N_CLASSES
    if before not in (0, 1):
        raise ValueError(
            f"{who} has {len(outputs):,} outputs and ImageNet {N_CLASSES:,} classes: take weights "
            "that were trained or finetuned on ImageNet-1k"
        )
    for label, name in enumerate(imagenet_names()):
        said = outputs[before + label]
        if not _synonyms(said) & _synonyms(name):
            raise ValueError(
                f"{who} calls an output {said!r} where ImageNet's class {label} is {name!r}: its "
                "classes are others, in another order or not named, and cannot be told apart"
            )
    return tuple(range(1, len(outputs))) if before else None


def imagenet_names() -> list[str]:
    """The names of ImageNet's classes with their synonyms, in the order of their sorted WNIDs."""
    from robustness.tools.label_maps import CLASS_DICT

    return [CLASS_DICT["ImageNet"][label] for label in range(N_CLASSES)]


def _synonyms(name: str) -> set[str]:
    return {synonym.strip().lower().replace("_", " ") for synonym in name.split(",")}
