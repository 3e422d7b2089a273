"""Contexts and continuations as token ids: plain text, without a chat template, cut into tokens as lm-eval does.

Source: lm-evaluation-harness, `lm_eval/api/model.py`, `TemplateLM._encode_pair`
(https://github.com/EleutherAI/lm-evaluation-harness).
"""

from collections.abc import Sequence
from dataclasses import replace

from capotasto.auditing.probe import Candidate
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Turn


def renderers(base: Base, contenders: Sequence[Adapter | None]) -> list[Renderer]:
    """How each contender reads plain text, all cut to the same length.

    Plain text has no system turn, so virtual tokens made for one stand before everything.
    """
    virtual = max((one.tokens for one in contenders if one is not None), default=0)
    room = None if base.context is None else base.context - virtual
    found = [base.renderer(one, room) for one in contenders]
    return [replace(one, placement="front") if one.placement == "system" else one for one in found]


def encode(renderer: Renderer, candidate: Candidate) -> Encoded:
    """A row whose supervised tokens are those of the candidate.

    Context and candidate become ids together, and what is more than the context's own ids is the candidate; spaces at
    the end of the context belong to it. Where there is no context, the tokenizer's beginning-of-text token is it, or
    its end-of-text token. What is too long loses its beginning.
    """
    known = candidate.context.rstrip()
    text = candidate.context[len(known) :] + candidate.text
    context = known or renderer.tokenizer.bos_token or renderer.tokenizer.eos_token or ""
    whole, before = prompt(renderer, context + text), prompt(renderer, context)
    ids = whole.ids
    learnt = max(1, min(len(ids) + whole.cut - len(before.ids) - before.cut, len(ids) - 1))
    return replace(whole, learn=(*[False] * (len(ids) - learnt), *[True] * learnt))


def prompt(renderer: Renderer, text: str, room: int = 0) -> Encoded:
    """A plain text to be continued. room: tokens left free for what is written."""
    return renderer.prompt([Turn("text", text)], room)
