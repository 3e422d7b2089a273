"""Several contenders answer the same rows: in mixed batches, and each question is asked once."""

from collections.abc import Sequence
from dataclasses import replace

from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.heads import ask_label, ask_marks, ask_numbers
from capotasto.evaluate.wishes import USUAL, Wishes
from capotasto.evaluate.writers import ask_writers
from capotasto.methods.adapter import Adapter
from capotasto.tokens.render import Renderer
from capotasto.types import Example


def ask_all(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    labels: Sequence[str],
    adapters: Sequence[Adapter | None],
    objective: str = "lm",
    wishes: Wishes = USUAL,
) -> list[Answers]:
    """What each of `adapters` (None: the bare base) answers: choosing only where the task is to name a label, writing
    only there and where a metric wished for needs it.

    renderer:  of the bare base; an adapter has its virtual tokens where it was trained to have them
    objective: that of the heads among the contenders; the bare base is asked the same thing
    """
    placed = [renderer if one is None else replace(renderer, placement=one.placement) for one in adapters]
    each = list(zip(placed, adapters, strict=True))
    if objective == "regress":
        return [ask_numbers(base, own, examples, one) for own, one in each]
    if objective == "multilabel":
        return [ask_marks(base, own, examples, labels, one) for own, one in each]
    heads = {i: (own, one) for i, (own, one) in enumerate(each) if one is not None and one.classes()}
    found = {i: ask_label(base, own, examples, labels, one) for i, (own, one) in heads.items()}
    others = [i for i in range(len(each)) if i not in heads]
    written = ask_writers(base, examples, labels, [each[i] for i in others], wishes)
    found |= dict(zip(others, written, strict=True))
    return [replace(found[i], schema=wishes.schema) for i in range(len(each))]
