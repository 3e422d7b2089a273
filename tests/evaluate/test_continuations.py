"""Chances equal those of each question alone through the model's own code, and nothing is computed twice."""

import random
from typing import Any

import pytest
import torch

from capotasto import forward, losses
from capotasto.evaluate import continuations
from capotasto.evaluate.continuations import Chance, Question, chances
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Encoded
from tests import reference
from tests.making import make_adapter, make_base
from tests.tiny import tiny_base

SHARED = tuple(range(40, 70))
LONG = tuple(range(20, 120))


def questions() -> list[Question]:
    """Choices behind one question, single tokens behind another, worked examples before both, and strays."""
    chance = random.Random(0)

    def ids(count: int) -> tuple[int, ...]:
        return tuple(chance.randrange(10, 290) for _ in range(count))

    first, second = SHARED + ids(6), SHARED + ids(9)
    return [
        *(Question(first, ids(count)) for count in (1, 5, 3)),
        *(Question(second, (token,)) for token in (11, 12, 13, 14)),
        Question(ids(3), ids(7)),
        Question(ids(1), ids(1)),
        Question(second[:20], second[20:]),
        Question(first, second[:4]),
        *(Question(LONG + ids(8), ids(count)) for count in (1, 4, 4, 9)),
        *(Question((*LONG, 7), (token,)) for token in (11, 12)),
    ]


def alone(base: Base, model: torch.nn.Module, question: Question, adapter: Adapter | None) -> Chance:
    """One question: all logits of its row, and the wanted ones read off."""
    encoded = base.renderer(adapter).given(question.given + question.wanted)
    vectors = None if adapter is None else adapter.embeds()
    virtual = 0 if vectors is None else len(vectors)
    with torch.no_grad():
        lines = reference.logits_alone(model, encoded, adapter)[virtual:].double().log_softmax(-1)
    before = lines[len(question.given) - 1 : -1]
    wanted = torch.tensor(question.wanted)
    nats = before.gather(1, wanted[:, None]).sum()
    return Chance(float(nats), bool((before.argmax(1) == wanted).all()))


def ask(base: Base, asked: list[Question], adapter: Adapter | None, batch_tokens: int) -> list[Chance]:
    found = {}
    for batch in chances(base, base.renderer(adapter), asked, adapter, batch_tokens):
        assert not found.keys() & {number for number, _ in batch}, "each is answered once"
        found.update(batch)
    return [found[number] for number in range(len(asked))]


@pytest.fixture(scope="module", params=["llama", "gpt2", "gemma2"])
def pair(request: pytest.FixtureRequest) -> tuple[Base, torch.nn.Module]:
    return make_base(request.param), reference.untouched(tiny_base(request.param))


@pytest.mark.parametrize("batch_tokens", [1, 60, 4096])
@pytest.mark.parametrize("method", [None, "prompt", "lora", "prefix"])
def test_chances_are_those_of_each_question_alone(
    pair: tuple[Base, torch.nn.Module], method: str | None, batch_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, model = pair
    monkeypatch.setattr(losses, "CHUNK_BYTES", 1)  # sixteen states at a time
    adapter = make_adapter(method, base) if method else None
    asked = questions()
    for found, question in zip(ask(base, asked, adapter, batch_tokens), asked, strict=True):
        wanted = alone(base, model, question, adapter)
        assert found.nats == pytest.approx(wanted.nats, rel=1e-6)
        assert found.likeliest == wanted.likeliest


def test_virtual_tokens_behind_the_first_one_are_part_of_what_is_shared(pair: tuple[Base, torch.nn.Module]) -> None:
    base, model = pair
    adapter = make_adapter("prompt", base, placement="after_bos")
    asked = [Question((1, *question.given), question.wanted) for question in questions()]
    for found, question in zip(ask(base, asked, adapter, 200), asked, strict=True):
        assert found.nats == pytest.approx(alone(base, model, question, adapter).nats, rel=1e-6)


def test_the_likeliest_tokens_are_known_as_such(pair: tuple[Base, torch.nn.Module]) -> None:
    base, model = pair
    given = (50, 60, 70)
    best = tuple(reference.generate_alone(model, Encoded(given, (False,) * 3), None, 3))
    other = (*best[:-1], (best[-1] + 1) % 300)
    found = ask(base, [Question(given, best), Question(given, other)], None, 64)
    assert [one.likeliest for one in found] == [True, False]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many positions each pass through the model computes."""
    found: list[int] = []
    run = forward.run

    def counted(*given: Any, **more: Any) -> forward.Hidden:
        hidden = run(*given, **more)
        found.append(len(hidden.states))
        return hidden

    monkeypatch.setattr(forward, "run", counted)
    return found


def test_what_rows_have_in_common_is_computed_once(computed: list[int]) -> None:
    base = make_base()
    computed.clear()  # the base was tried out
    single = [Question(SHARED, (token,)) for token in range(10, 30)]
    ask(base, single, None, 4096)
    assert computed == [len(SHARED)], "answers of one token are read off the same state"
    computed.clear()
    longer = [Question(SHARED, (token, token, token)) for token in range(10, 30)]
    ask(base, longer, None, 4096)
    assert computed == [len(SHARED) + 20 * 2], "the last token is predicted and never computed"


def test_worked_examples_are_computed_once_for_all_batches(computed: list[int]) -> None:
    base = make_base()
    computed.clear()
    asked = [Question((*LONG, token, 5, 6), (7, 8)) for token in range(150, 190)]
    ask(base, asked, None, 150)
    assert computed[0] == len(LONG)
    assert len(computed) > 4, "several batches"
    assert sum(computed) <= len(LONG) + 40 * 4


def test_kin_stay_together_and_short_rows_come_first() -> None:
    asked = [Question(SHARED + (i,) * 10, (5, 5)) for i in range(100, 104)]
    strays = [Question((i,), (7,) * length) for i, length in ((20, 5), (200, 80), (30, 6))]
    rows = sorted(question.row for question in [*asked, *strays])
    batches = continuations._batches(rows, 110)
    assert sorted(i for batch in batches for i in batch) == list(range(len(rows)))
    homes = [n for n, batch in enumerate(batches) for i in batch if rows[i][:30] == SHARED]
    assert len(set(homes)) == 1
    assert len(rows[batches[0][0]]) == 5
    assert len(rows[batches[-1][-1]]) == 80


def test_nothing_asked_is_nothing_answered() -> None:
    assert list(chances(make_base(), make_base().renderer(), [], None)) == []
