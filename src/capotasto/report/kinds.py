"""How each kind of contender is drawn: a shape and a colour, so that either tells them apart."""

from markupsafe import Markup

from capotasto.report import svg

KINDS = {  # kind: (shape, class of its colour)
    "prompting": ("circle", "base"),
    "retrieval": ("square", "retrieval"),
    "training": ("diamond", "tuned"),
    "ensemble": ("triangle", "ensemble"),
}
OTHER = ("circle", "training")  # a kind that is not known here


def colour(kind: str) -> str:
    """The class of a kind's colour."""
    return KINDS.get(kind, OTHER)[1]


def mark(kind: str, x: float, y: float, full: bool, words: str = "") -> Markup:
    """A kind's mark, full or hollow, at a share of the width and a height in pixels."""
    shape, class_ = KINDS.get(kind, OTHER)
    return svg.shape(x, y, shape, f"mark {class_} {'full' if full else 'hollow'}", words)


def legend(kind: str) -> Markup:
    """A kind's mark as a picture within a line of text."""
    return svg.tag("svg", mark(kind, 0.5, 7, full=True), class_="icon", width=14, height=14, aria_hidden="true")
