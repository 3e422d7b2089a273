"""Fluid inline SVG: every text keeps its size and every plot fills its column, from 340 to 1,100 pixels.

Horizontal places are percentages of the column, vertical ones are pixels; only lines stretch. Colours come from
classes in the page's style sheet, so the plots follow the light or dark scheme of the reader.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

Points = Sequence[tuple[float, float]]
SHAPES = {  # paths around their middle, about 10 pixels wide
    "circle": "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0z",
    "square": "M-4.2,-4.2h8.4v8.4h-8.4z",
    "diamond": "M0,-6L6,0L0,6L-6,0z",
    "triangle": "M0,-6L5.6,4H-5.6z",
}


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """An element. Texts and attribute values are escaped; `_` in an attribute's name stands for `-`."""
    written = Markup().join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _short(value)) for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, Markup().join(children))


def _short(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def picture(height: int, description: str, kind: str, children: Iterable[str]) -> Markup:
    """A whole plot, `height` pixels tall; `description` is what a screen reader says instead of it."""
    return tag("svg", *children, class_=f"plot {kind}", height=height, role="img", aria_label=description)


def across(share: float) -> str:
    """A horizontal place, 0 to 1, as a percentage of the plot."""
    return f"{_short(100.0 * share)}%"


def rule(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line between two places: x as a share of the width, y in pixels."""
    return tag("line", x1=across(x1), y1=y1, x2=across(x2), y2=y2, class_=class_)


def dot(x: float, y: float, class_: str, words: str = "") -> Markup:
    """A dot at a share of the width and a height in pixels; `words` are shown to who points at it."""
    return tag("circle", *([tag("title", words)] if words else []), cx=across(x), cy=y, r=4, class_=class_)


def shape(x: float, y: float, kind: str, class_: str, words: str = "") -> Markup:
    """A mark of one of the SHAPES, for what colour alone must not tell; `words` as for a dot."""
    path = tag("path", *([tag("title", words)] if words else []), d=SHAPES[kind], class_=class_)
    return tag("svg", path, x=across(x), y=y)


def text(x: float, y: float, words: str, class_: str = "", **attributes: str | float) -> Markup:
    """A text at a share of the width and a height in pixels."""
    return tag("text", words, x=across(x), y=y, class_=f"label {class_}".strip(), **attributes)


def curve(points: Points, height: int, class_: str) -> Markup:
    """A line through points (x as a share of the width, y in pixels) that stretches with the plot."""
    places = " ".join(f"{_short(1000.0 * x)},{_short(float(y))}" for x, y in points)
    box: dict[str, str | float] = {
        "width": "100%",
        "height": height,
        "viewBox": f"0 0 1000 {height}",
        "preserveAspectRatio": "none",
    }
    return tag("svg", tag("polyline", points=places, class_=class_), **box)
