"""The forms in which rows can come. The order of the table is the order of detection; this is the one place it stands.

A shape matches when all the columns it needs are there, under any of the names in `column_names.py`; the first match
wins, so the more telling forms stand first:

1. messages           `messages`: a list of {role, content}
2. sharegpt           `conversations`: a list of {from, value}
3. alpaca             `instruction` and `output`, perhaps `input` and `system`
4. prompt_completion  a prompt (or text) and a completion
5. text_label         a text and a label; where the labels hardly repeat it is read as prompt_completion, and as
                      text_score where they are numbers
6. text_labels        a text and lists of labels
7. text_score         a text and a number, and no other column
8. text               a text alone

Nothing else is guessed, with one exception in `detect.py`: a file of two columns without names that are clearly a
label and a text. A mapping (`--map`) replaces detection: its keys choose the shape. An objective (`--objective`) that
needs another shape of the same two columns gets it.
"""

from typing import cast

from capotasto.data.shapes.shape import Shape
from capotasto.registry import Table

SHAPES = Table(
    "shape",
    {
        "messages": "capotasto.data.shapes.messages:SHAPE",
        "sharegpt": "capotasto.data.shapes.sharegpt:SHAPE",
        "alpaca": "capotasto.data.shapes.alpaca:SHAPE",
        "prompt_completion": "capotasto.data.shapes.prompt_completion:SHAPE",
        "text_label": "capotasto.data.shapes.text_label:SHAPE",
        "text_labels": "capotasto.data.shapes.text_labels:SHAPE",
        "text_score": "capotasto.data.shapes.text_score:SHAPE",
        "text": "capotasto.data.shapes.text:SHAPE",
    },
)


def shape(name: str) -> Shape:
    """The shape of that name."""
    return cast(Shape, SHAPES[name])
