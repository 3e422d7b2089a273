"""A base as the user meets it: who may use it, which adapter answers, and what its verbs return."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

import capotasto as capo
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, BaseError, DataError, SettingError
from capotasto.session import Base, new_prompt
from capotasto.types import Example, Turn
from tests import reference
from tests.making import logits_of, make_adapter, make_base, make_examples
from tests.refusing import refused
from tests.tiny import ARCHITECTURES, CONTEXT, tiny_base, tiny_tokenizer


@pytest.fixture
def base() -> Base:
    return make_base("llama", torch.float32)


class PerTokenExtra(LlamaForCausalLM):
    """What some architectures do: something is added for each token id, past the embedding."""

    def forward(self, input_ids: Tensor | None = None, **more: object) -> object:
        if input_ids is not None:
            extra = torch.sin(input_ids.float())[..., None].to(self.dtype)
            more["inputs_embeds"] = self.get_input_embeddings()(input_ids) + extra
        return super().forward(**more)


class IdsOnly(LlamaForCausalLM):
    """A model that cannot be run without token ids."""

    def __init__(self, config: LlamaConfig):
        super().__init__(config)
        self.model.register_forward_pre_hook(self._refuse, with_kwargs=True)

    @staticmethod
    def _refuse(module: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        if kwargs.get("input_ids") is None:
            raise ValueError("this model needs\ninput_ids")


def built(kind: type[LlamaForCausalLM]) -> FrozenBase:
    config = tiny_base("llama").config
    torch.manual_seed(0)
    return FrozenBase.from_parts(kind(config).float(), tiny_tokenizer(), name="odd")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_sound_base_is_admitted_and_computes_what_it_did(architecture: str) -> None:
    frozen = tiny_base(architecture)
    model = reference.untouched(frozen)
    base = Base.over(frozen)
    row = base.encode("the rain in the north")
    expected = reference.logits_alone(model, row, None)
    torch.testing.assert_close(logits_of(base, [row], [None])[0], expected, rtol=1e-5, atol=1e-5)


def test_a_base_that_adds_something_per_token_id_is_refused() -> None:
    """Virtual tokens have no id: on such a base they would be silently wrong."""
    with pytest.raises(BaseError, match=r"PerTokenExtra computes something else from embeddings.*choose another base$"):
        Base.over(built(PerTokenExtra))


def test_a_base_that_cannot_be_run_from_embeddings_is_refused_in_one_line() -> None:
    with pytest.raises(BaseError) as caught:
        Base.over(built(IdsOnly))
    message = "IdsOnly cannot be run from embeddings (this model needs input_ids); choose another base"
    assert str(caught.value) == message


def test_an_unknown_adapter_is_never_the_one_used_last(base: Base) -> None:
    new_prompt(base, "tickets")
    new_prompt(base, "quotes")
    with pytest.raises(AdapterError, match="no adapter 'tikets' on this base; did you mean 'tickets'"):
        base.generate(["the rain"], ["tikets"])
    with pytest.raises(AdapterError, match="known: quotes, tickets"):
        base.loss(["the rain"], ["zzz"])


def test_an_adapter_of_another_base_is_refused(base: Base) -> None:
    other = make_adapter("prompt", Base.over(tiny_base("llama", torch.float32, seed=1)))
    with pytest.raises(
        AdapterError, match=r"adapter 'a' was made for another base \(\w{12}\), this is memory.*load the"
    ):
        base.loss(["the rain"], [other])


def test_each_row_needs_its_adapter(base: Base) -> None:
    with pytest.raises(AdapterError, match="2 rows and 1 adapters: name one for each row, None for the base"):
        base.generate(["a", "b"], [None])


def test_names_adapters_and_none_mix(base: Base) -> None:
    named, direct = new_prompt(base, "named", init="random"), make_adapter("prompt", base, seed=8)
    texts = ["the rain in the north"] * 3
    together = base.loss(texts, ["named", direct, None])
    assert together == [pytest.approx(base.loss(texts[:1], [one])[0], rel=1e-5) for one in (named, direct, None)]
    assert len({round(total, 3) for total, _ in together}) == 3
    assert base.loss(texts) == [pytest.approx(together[2], rel=1e-5)] * 3


def test_loss_is_in_nats_over_counted_tokens(base: Base) -> None:
    model = reference.untouched(tiny_base("llama", torch.float32))
    text, example = "the rain in the north", make_examples(1)[0]
    for (total, count), given in zip(base.loss([text, example]), (text, example), strict=True):
        row = base.encode(given)
        assert total == pytest.approx(float(reference.loss_alone(model, row, None)), rel=1e-4)
        assert count == sum(row.learn)


def test_a_row_leaves_room_for_the_virtual_tokens() -> None:
    """A base with learnt positions has none beyond its context."""
    base = make_base("gpt2", torch.float32)
    adapter = make_adapter("prompt", base, size=50)
    ((_, bare), (_, tuned)) = base.loss(["xyz" * 400] * 2, [None, adapter])
    assert bare == CONTEXT - 1
    assert tuned == CONTEXT - 50 - 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prompts as the base reads them."""
    seen: list[str] = []
    write = capo.session.write

    def spy(base: Base, renderer: object, rows: list, *more: object) -> list[str]:
        seen.extend(base.tokenizer.decode(row.ids) for row in rows)
        return write(base, renderer, rows, *more)

    monkeypatch.setattr(capo.session, "write", spy)
    return seen


CHAT = "<|start|>user\nwhy?<|end|>\n<|start|>assistant\n"


@pytest.mark.parametrize(
    ("template", "dialogue", "chat", "expected"),
    [
        (True, None, None, CHAT),  # the bare base: its template
        (False, None, None, "why?"),
        (True, True, None, CHAT),  # what the adapter was trained on
        (True, False, None, "why?"),
        (True, False, True, CHAT),  # the user's word counts
        (True, True, False, "why?"),
        (False, True, None, "why?\n"),
    ],
)
def test_prompts_are_read_as_the_adapter_learnt_them(
    asked: list[str], template: bool, dialogue: bool | None, chat: bool | None, expected: str
) -> None:
    base = make_base("llama", torch.float32, chat_template=template)
    adapter = None
    if dialogue is not None:
        adapter = make_adapter("prompt", base)
        adapter.dialogue = dialogue
    base.generate(["why?"], [adapter], chat=chat, max_new_tokens=1)
    assert asked == [expected]


def test_generate_keeps_the_order_and_writes_no_control_tokens(base: Base) -> None:
    adapter = make_adapter("prompt", base)
    prompts = ["a", "the rain in the north " * 4, "why?"]
    together = base.generate(prompts, [adapter, None, adapter], max_new_tokens=6)
    alone = [
        base.generate([p], [a], max_new_tokens=6)[0] for p, a in zip(prompts, [adapter, None, adapter], strict=True)
    ]
    assert together == alone
    assert not any(mark in text for text in together for mark in ("<|end|>", "<|start|>", "</s>"))
    assert base.generate([], []) == []


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_nothing_to_continue_is_an_error_on_every_base(architecture: str) -> None:
    with pytest.raises(DataError, match="prompt 1 is empty; write something"):
        make_base(architecture, torch.float32).generate([""], chat=False)


def test_an_unknown_setting_of_generate_is_named(base: Base) -> None:
    with pytest.raises(SettingError, match="unknown setting 'temprature' in generate; did you mean 'temperature'"):
        base.generate(["a"], temprature=1.0)


def test_new_prompts_are_resident_and_remember_their_start(base: Base) -> None:
    prompt = new_prompt(base, "mine", tokens=7, init="text:the rain", placement="after_bos", seed=5)
    assert base.adapters == {"mine": prompt}
    assert prompt.start == {"kind": "text", "detail": "the rain", "seed": 5}
    assert (prompt.placement, prompt.fingerprint, len(prompt.embeds())) == ("after_bos", base.fingerprint, 7)


@pytest.mark.parametrize("name", [name for name in capo.__all__ if name != "__version__"])
def test_every_public_name_is_the_thing_and_not_a_module(name: str) -> None:
    """A name that is also a sub-package would turn into that package once it is imported."""
    assert not isinstance(getattr(capo, name), ModuleType)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tunes'"):
        capo.tunes  # noqa: B018


def test_a_base_is_loaded_from_a_folder(model: Path) -> None:
    base, plain = capo.load_base(str(model), dtype="fp32", device="cpu"), make_base("llama", torch.float32)
    example = Example((Turn("user", "why?"), Turn("assistant", "rain", learn=True)))
    assert base.loss([example])[0] == pytest.approx(plain.loss([example])[0], rel=1e-6)


def test_the_loss_of_a_row_with_a_head_is_that_of_its_label(base: Base) -> None:
    head = make_adapter("head", base)
    asked, wanted = Turn("user", "the rain"), Turn("assistant", "neutral", learn=True)
    example = Example((asked, wanted), label="neutral", place="rows.csv:2")
    [(nats, count), (text, tokens)] = base.loss([example, example], [head, None])
    row = base.encode(example, head)
    assert (row.label, count) == (1, 1)
    assert nats == pytest.approx(
        float(reference.loss_alone(reference.untouched(tiny_base(dtype=torch.float32)), row, head)), rel=1e-4
    )
    assert tokens > 1
    assert text != pytest.approx(nats)


@pytest.mark.parametrize(
    ("label", "words"),
    [(None, ["rows.csv:2 has no label"]), ("sunny", ["rows.csv:2 has the label 'sunny'", "label="])],
)
def test_a_head_cannot_judge_a_label_it_does_not_know(base: Base, label: str | None, words: list[str]) -> None:
    turns = (Turn("user", "the rain"), Turn("assistant", "x", learn=True))
    with refused(*words, "negative, neutral, positive", kind=DataError):
        base.loss([Example(turns, label=label, place="rows.csv:2")], [make_adapter("head", base)])
    with pytest.raises(DataError, match="the text has no label"):
        base.loss(["the rain"], [make_adapter("head", base)])
