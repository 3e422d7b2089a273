"""Settings of single rows against their definitions, written down again."""

import pytest
import torch

from capotasto.decoding.row import Row
from capotasto.decoding.sampling import choose
from capotasto.decoding.settings import GenerateSettings
from capotasto.types import Encoded

V = 3000


def row(written=(), logprobs=None, constraint=None, **settings):
    made = Row(Encoded((1, 2, 3), (False,) * 3), None, GenerateSettings(**settings), (), logprobs, constraint)
    for token in written:
        made.take(token)
    return made


def logits(seed=0, rows=1):
    return 3 * torch.randn(rows, V, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def counts(line, draws=400, **settings):
    """How often each token is drawn, over seeds."""
    rows = [row(seed=seed, temperature=1.0, **settings) for seed in range(draws)]
    tokens = [choice.token for choice in choose(rows, line.expand(draws, V))]
    return torch.bincount(torch.tensor(tokens), minlength=V).double() / draws


def test_tokens_are_drawn_as_often_as_they_are_likely():
    line = torch.full((1, V), -50.0, dtype=torch.float64)
    line[0, [5, 900, 2999]] = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
    torch.testing.assert_close(counts(line)[[5, 900, 2999]], torch.tensor([0.5, 0.3, 0.2]).double(), atol=0.08, rtol=0)


@pytest.mark.parametrize(("top_p", "scale"), [(0.5, 1.0), (0.9, 1.0), (0.97, 0.01)], ids=["small", "large", "flat"])
def test_only_the_nucleus_is_drawn_from(top_p, scale):
    line = logits() * scale  # flat: more tokens than are looked at before all are sorted
    ordered, order = line[0].softmax(-1).sort(descending=True)
    inside = set(order[: int((ordered.cumsum(-1) < top_p).sum()) + 1].tolist())
    drawn = set(counts(line, top_p=top_p).nonzero().flatten().tolist())
    assert drawn <= inside
    assert len(drawn) > 5


def test_only_the_k_likeliest_are_drawn_from():
    line = logits()
    drawn = set(counts(line, top_k=3).nonzero().flatten().tolist())
    assert drawn == set(line[0].topk(3).indices.tolist())


def test_penalties_follow_their_definitions():
    line = logits(1)
    best = int(line.argmax())
    second = int(line[0].topk(2).indices[1])
    gap = float(line[0, best] - line[0, second])
    assert choose([row([best], presence_penalty=min(2.0, gap * 1.01))], line)[0].token == second
    assert choose([row([best], frequency_penalty=gap * 0.4)], line)[0].token == best
    assert choose([row([best] * 3, frequency_penalty=gap * 0.4)], line)[0].token == second
    assert choose([row([best], repetition_penalty=1e6)], line)[0].token == second
    prompted = line.clone()
    prompted[0, 2] = 100
    assert choose([row(presence_penalty=2.0)], prompted)[0].token == 2, "presence is about written tokens"
    assert choose([row(repetition_penalty=1e6)], prompted)[0].token == best, "repetition about the prompt's too"


def test_logprobs_are_the_model_s_own():
    line = logits(2)
    expected = line[0].log_softmax(-1)
    (choice,) = choose([row([int(line.argmax())], logprobs=4, temperature=2.0, presence_penalty=1.0, seed=3)], line)
    assert choice.logprob == float(expected[choice.token])
    values, ids = expected.topk(4)
    assert choice.top == tuple(zip(ids.tolist(), values.tolist(), strict=True))
    assert choose([row(logprobs=0)], line)[0].top == ()
    assert choose([row()], line)[0].logprob is None


class Only:
    """Allows one token; fails on being asked a second time."""

    def __init__(self, token):
        self.token = token

    def allowed(self):
        if self.token < 0:
            raise ValueError("nothing is left")
        return torch.arange(V) == self.token

    def take(self, token):
        self.token = -1


def test_a_constraint_and_its_faults_are_the_row_s_own():
    lines = logits(3, rows=3)
    rows = [row(), row(constraint=Only(7)), row(temperature=1.0, constraint=Only(9))]
    tokens = [choice.token for choice in choose(rows, lines)]
    assert tokens == [int(lines[0].argmax()), 7, 9]
    rows[1].take(7)
    choices = choose(rows, lines)
    assert [bool(choice.error) for choice in choices] == [False, True, False]
    assert choices[1].error == "its next token cannot be chosen: nothing is left"


def test_nothing_is_chosen_from_what_is_not_finite():
    lines = logits(4, rows=3)
    lines[1, 77] = torch.nan
    lines[2] = -torch.inf
    assert [choice.error[:36] for choice in choose([row()] * 3, lines)] == [
        "",
        *["the base gives logits that are not f"] * 2,
    ]
