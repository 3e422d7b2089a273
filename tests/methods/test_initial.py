"""What a prompt starts from: shapes, sizes, seeds and words."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from capotasto.errors import UserError
from capotasto.methods.initial import INITS, embedding_rms, initial, usual_length
from capotasto.session import Base, new_prompt
from capotasto.types import Encoded
from tests.making import logits_of, make_base, make_rows

LABELS = ["sun", "rain"]


@pytest.fixture(scope="module", params=["llama", "gpt2", "bloom", "gemma", "opt"])
def base(request: pytest.FixtureRequest) -> Base:
    """OPT's embedding is narrower than its hidden state, Gemma's is scaled as it enters the model."""
    return make_base(request.param, torch.float64)


@pytest.fixture
def written(base: Base, tmp_path: Path) -> dict[str, str]:
    """Every kind of start, as a user writes it."""
    vectors = torch.arange(3.0 * base.embedding_size).view(3, base.embedding_size)
    save_file({"prompt_embeddings": vectors}, tmp_path / "adapter_model.safetensors")
    return {kind: kind + {"text": ":the rain", "from": f":{tmp_path}"}.get(kind, "") for kind in INITS}


def embedded(base: Base, text: str) -> torch.Tensor:
    return base.embedding(torch.tensor(base.tokenizer(text, add_special_tokens=False)["input_ids"]))


@pytest.mark.parametrize("kind", [kind for kind in INITS if kind != "examples"])
@pytest.mark.parametrize("tokens", [1, 5, 17])
def test_every_start_has_its_shape_and_follows_from_the_seed(
    base: Base, written: dict[str, str], kind: str, tokens: int
) -> None:
    vectors, start = initial(base, written[kind], tokens, LABELS, seed=3)
    assert vectors.shape == (tokens, base.embedding_size)
    assert vectors.dtype in (torch.float32, torch.float64)
    assert start["kind"] == kind
    assert torch.equal(vectors, initial(base, written[kind], tokens, LABELS, seed=3)[0])
    other = initial(base, written[kind], tokens, LABELS, seed=4)[0]
    assert torch.equal(vectors, other) == (kind in {"text", "labels", "from"})


def test_random_is_as_long_as_the_vocabulary_and_peft_random_is_not(base: Base) -> None:
    usual = float(base.embedding(torch.arange(5, 300)).square().mean().sqrt())
    assert embedding_rms(base) == pytest.approx(usual, rel=0.05)
    matched, unit = (initial(base, kind, 400, (), 0)[0] for kind in ("random", "peft-random"))
    assert float(matched.square().mean().sqrt()) == pytest.approx(embedding_rms(base), rel=0.05)
    assert float(unit.std()) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(("kind", "text"), [("text:the rain", "the rain"), ("labels", "sun, rain")])
def test_words_are_repeated_and_cut(base: Base, kind: str, text: str) -> None:
    words = embedded(base, text)
    for tokens in (len(words) - 1, len(words), 2 * len(words) + 1):
        vectors, _ = initial(base, kind, tokens, LABELS, 0)
        torch.testing.assert_close(vectors, words.repeat(3, 1)[:tokens], rtol=0, atol=0)


def test_another_adapter_is_repeated_and_cut(base: Base, written: dict[str, str]) -> None:
    rows = initial(base, written["from"], 7, (), 0)[0][:, 0] / base.embedding_size
    assert rows.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert len(initial(base, written["from"], 2, (), 0)[0]) == 2


def test_vocab_takes_no_control_token(base: Base) -> None:
    vectors, _ = initial(base, "vocab", 300, (), 0)
    special = base.embedding(torch.tensor(base.tokenizer.all_special_ids))
    assert not any(bool((vectors == one).all(1).any()) for one in special)
    assert len(vectors.unique(dim=0)) > 100


def test_a_prompt_that_starts_as_words_is_these_words(base: Base) -> None:
    """Before its first step it gives the logits of the text put before the row, on every architecture."""
    text = "question: positive or negative?"
    ids = tuple(base.tokenizer(text, add_special_tokens=False)["input_ids"])
    prompt = new_prompt(base, "words", tokens=len(ids), init=f"text:{text}")
    rows = make_rows(base, 4)
    longer = [Encoded((*ids, *row.ids), (False,) * (len(ids) + len(row.ids))) for row in rows]
    ours = logits_of(base, rows, [prompt] * len(rows))
    for found, expected in zip(ours, logits_of(base, longer, [None] * len(rows)), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_the_usual_length_is_that_of_the_vectors_as_they_enter_the_model(base: Base) -> None:
    """A prompt of vocabulary vectors has it; Gemma's own weights are much shorter than what enters."""
    vectors, _ = initial(base, "vocab", 300, (), 0)
    assert usual_length(base) == pytest.approx(float(vectors.norm(dim=1).median()), rel=0.1)


def test_examples_need_training_rows(base: Base) -> None:
    with pytest.raises(UserError, match=r"examples:3 needs training rows; use it with capo tune"):
        new_prompt(base, "few", init="examples:3")
