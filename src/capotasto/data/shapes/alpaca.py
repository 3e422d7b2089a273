"""Instructions as Alpaca has them: instruction, perhaps an input, output (https://github.com/tatsu-lab/stanford_alpaca).

The input follows the instruction in the user's turn, after a blank line.
"""

from capotasto.data.column_names import COMPLETION, CONTEXT, INSTRUCTION, SYSTEM
from capotasto.data.rows import Row
from capotasto.data.shapes.cells import first_text, optional_text, text
from capotasto.data.shapes.shape import Shape
from capotasto.types import Turn


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The user's turn and the answer, behind what stands in the system column."""
    system = optional_text(row, columns.get("system"))
    asked = [text(row, columns["instruction"]), optional_text(row, columns.get("input"))]
    user = Turn("user", "\n\n".join(part for part in asked if part.strip()))
    answer = Turn("assistant", first_text(row, columns["output"]), learn=True)
    return (Turn("system", system), user, answer) if system.strip() else (user, answer)


SHAPE = Shape(
    needs={"instruction": INSTRUCTION, "output": ("output", *COMPLETION)},
    optional={"input": CONTEXT, "system": SYSTEM},
    turns=turns,
)
