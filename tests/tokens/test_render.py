"""Token ids and loss mask of every form of row, with and without a chat template."""

import itertools
from typing import Any

import pytest
from tokenizers import processors
from transformers import PreTrainedTokenizerFast

from capotasto.errors import DataError, SettingError
from capotasto.tokens.render import PLACEMENTS, Renderer
from capotasto.types import Encoded, Example, Role, Turn
from tests.refusing import refused
from tests.tiny import CHAT_TEMPLATE, tiny_tokenizer

QUESTION = "where is the rain?"
ANSWER = "in the north"


def example(*turns: tuple[Role, str]) -> Example:
    """Assistant turns and plain text are learnt, as the data shapes have it."""
    return Example(tuple(Turn(role, text, role in ("assistant", "text")) for role, text in turns), place="rows.csv:3")


FORMS = {
    "pair": example(("user", QUESTION), ("assistant", ANSWER)),
    "system": example(("system", "be short"), ("user", QUESTION), ("assistant", ANSWER)),
    "dialogue": example(
        ("user", QUESTION), ("assistant", ANSWER), ("user", "and the sun?"), ("assistant", "on the shore")
    ),
    "text": example(("text", "the rain in the north and the sun on the shore")),
}


def with_bos(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """As Llama's: `<s>` stands before every text of its own accord."""
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    return tokenizer


def bos_in_template(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """As Llama 3's: the tokenizer puts `<s>` before a text, and the template writes it too."""
    tokenizer.chat_template = "<s>" + CHAT_TEMPLATE
    return with_bos(tokenizer)


TOKENIZERS: dict[str, Any] = {
    "chat": tiny_tokenizer(),
    "plain": tiny_tokenizer(chat_template=False),
    "chat, BOS": with_bos(tiny_tokenizer()),
    "plain, BOS": with_bos(tiny_tokenizer(chat_template=False)),
    "chat, BOS in both": bos_in_template(tiny_tokenizer()),
}


def text(renderer: Renderer, row: Encoded) -> str:
    return renderer.tokenizer.decode(row.ids)


def learnt(renderer: Renderer, row: Encoded) -> str:
    return renderer.tokenizer.decode([token for token, flag in zip(row.ids, row.learn, strict=True) if flag])


def templated(template: str) -> PreTrainedTokenizerFast:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture(params=TOKENIZERS)
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return Renderer(TOKENIZERS[request.param])


@pytest.mark.parametrize("form", [name for name in FORMS if name != "text"])
@pytest.mark.parametrize("name", ["chat", "chat, BOS", "chat, BOS in both"])
def test_a_dialogue_reads_as_the_template_writes_it(name: str, form: str) -> None:
    renderer = Renderer(TOKENIZERS[name])
    messages = [{"role": turn.role, "content": turn.content} for turn in FORMS[form].turns]
    whole = renderer.tokenizer.apply_chat_template(messages, tokenize=False).rstrip("\n")
    begin = "<s>" if "BOS" in name else ""
    row = renderer.encode(FORMS[form])
    assert text(renderer, row) == begin + whole.removeprefix("<s>")
    assert row.ids.count(renderer.tokenizer.bos_token_id) == (1 if begin else 0)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_learnt_is_every_answer_with_its_end(renderer: Renderer, form: str) -> None:
    row = renderer.encode(FORMS[form])
    end = "<|end|>" if renderer.chat else "</s>"
    wanted = {
        "pair": ANSWER + end,
        "system": ANSWER + end,
        "dialogue": f"{ANSWER}{end}on the shore{end}",
        "text": FORMS["text"].completion,
    }[form]
    found = learnt(renderer, row)
    if form == "text" and row.ids[0] != renderer.tokenizer.bos_token_id:  # its first token has nothing before it
        wanted = wanted.removeprefix(renderer.tokenizer.decode(row.ids[:1]))
    assert found == wanted
    assert not row.learn[0]
    assert renderer.tokenizer.convert_tokens_to_ids(end) in renderer.stops


@pytest.mark.parametrize(
    ("name", "form", "placement"),
    [
        case
        for case in itertools.product(TOKENIZERS, FORMS, PLACEMENTS)
        if case[2] != "system" or (case[1] != "text" and "chat" in case[0])
    ],
)
def test_a_prompt_has_the_same_ids_in_use_as_in_training(name: str, form: str, placement: str) -> None:
    renderer = Renderer(TOKENIZERS[name], placement)
    row = renderer.encode(FORMS[form])
    prompt = renderer.prompt(FORMS[form].turns if form == "text" else FORMS[form].turns[:-1])
    assert row.ids[: len(prompt.ids)] == prompt.ids
    assert row.slot == prompt.slot
    assert not any(prompt.learn[: 1 + prompt.slot])
    if form == "text":
        assert prompt.ids == row.ids
        assert not any(prompt.learn)
    else:
        again = renderer.answer(prompt, FORMS[form].completion)
        assert again.ids == row.ids
        assert again.learn[len(prompt.ids) :] == row.learn[len(prompt.ids) :]
        assert all(again.learn[len(prompt.ids) :])


def test_a_prompt_alone_ends_where_the_model_is_to_answer() -> None:
    chat, plain = Renderer(TOKENIZERS["chat"]), Renderer(TOKENIZERS["plain"])
    turns = [Turn("user", QUESTION)]
    assert text(chat, chat.prompt(turns)) == f"<|start|>user\n{QUESTION}<|end|>\n<|start|>assistant\n"
    assert text(plain, plain.prompt(turns)) == f"{QUESTION}\n"


@pytest.mark.parametrize(
    ("name", "placement", "slot"),
    [
        ("chat", "front", 0),
        ("chat", "after_bos", 0),  # this tokenizer puts no BOS before a text
        ("chat, BOS", "front", 0),
        ("chat, BOS", "after_bos", 1),
        ("chat, BOS in both", "after_bos", 1),
        ("plain, BOS", "after_bos", 1),
    ],
)
def test_virtual_tokens_stand_before_the_text_or_behind_its_bos(name: str, placement: str, slot: int) -> None:
    assert Renderer(TOKENIZERS[name], placement).encode(FORMS["pair"]).slot == slot


@pytest.mark.parametrize("name", ["chat", "chat, BOS", "chat, BOS in both"])
@pytest.mark.parametrize(("form", "system"), [("pair", ""), ("system", "\nbe short"), ("dialogue", "")])
def test_virtual_tokens_stand_inside_the_system_turn(name: str, form: str, system: str) -> None:
    """Without a mark of their own in the text: what stands around the slot is what the template writes."""
    renderer = Renderer(TOKENIZERS[name], "system")
    row = renderer.encode(FORMS[form])
    begin = "<s>" if "BOS" in name else ""
    assert renderer.tokenizer.decode(row.ids[: row.slot]) == f"{begin}<|start|>system\n"
    assert renderer.tokenizer.decode(row.ids[row.slot :]).startswith(f"{system}<|end|>\n<|start|>user\n{QUESTION}")
    assert "capotasto" not in text(renderer, row)


REFUSING = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system\nrole') }}{% endif %}" + CHAT_TEMPLATE
DROPPING = CHAT_TEMPLATE.replace(
    "{% for message in messages %}", "{% for message in messages if message['role'] != 'system' %}"
)


@pytest.mark.parametrize("tokenizer", [templated(REFUSING), templated(DROPPING), tiny_tokenizer(chat_template=False)])
def test_a_base_without_system_turns_refuses_that_placement(tokenizer: Any) -> None:
    """Were the turn dropped in silence, the virtual tokens would stand somewhere else."""
    with pytest.raises(SettingError, match=r"placement system needs .* system turn.*--placement front"):
        Renderer(tokenizer, "system")


def test_plain_text_has_no_system_turn() -> None:
    with pytest.raises(SettingError, match=r"^rows.csv:3 is plain text and has no system turn; use --placement front$"):
        Renderer(TOKENIZERS["chat"], "system").encode(FORMS["text"])


def test_a_dialogue_that_the_template_refuses_is_named() -> None:
    with pytest.raises(DataError) as caught:
        Renderer(templated(REFUSING)).encode(FORMS["system"])
    assert str(caught.value) == "rows.csv:3: the base's chat template refuses it (no system role); change its turns"


def test_an_unknown_placement_is_named() -> None:
    with pytest.raises(SettingError, match="unknown placement 'fornt'; did you mean 'front'"):
        Renderer(TOKENIZERS["chat"], "fornt")


TRIMMING = CHAT_TEMPLATE.replace("message['content']", "message['content'] | trim")
# As templates of reasoning models: what an earlier answer thought is no longer shown.
FORGETTING = CHAT_TEMPLATE.replace(
    "message['content']", "message['content'] if loop.last else message['content'].split('!')[-1]"
)


def test_a_template_that_trims_earlier_answers_shows_them_once() -> None:
    renderer = Renderer(templated(TRIMMING))
    row = renderer.encode(example(("user", "a"), ("assistant", " b "), ("user", "c"), ("assistant", "d")))
    assert text(renderer, row).count("<|start|>") == 4
    assert learnt(renderer, row) == " b <|end|>d<|end|>"


def test_a_template_that_rewrites_earlier_answers_shows_them_once() -> None:
    """What it rewrote is read as it has it, and not learnt; only the last answer is."""
    renderer = Renderer(templated(FORGETTING))
    turns = example(("user", "a"), ("assistant", "hm!b"), ("user", "c"), ("assistant", "ho!d"))
    row = renderer.encode(turns)
    begin = "<|start|>user\na<|end|>\n<|start|>assistant\nb<|end|>\n<|start|>user\nc<|end|>\n<|start|>assistant\n"
    assert text(renderer, row) == begin + "ho!d<|end|>"
    assert learnt(renderer, row) == "ho!d<|end|>"
    prompt = renderer.prompt(turns.turns[:-1])
    assert text(renderer, prompt) == begin


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("name", ["chat", "chat, BOS"])
def test_long_prompts_lose_their_left_and_never_the_answer(name: str, placement: str) -> None:
    whole = Renderer(TOKENIZERS[name], placement).encode(FORMS["pair"])
    for length in range(sum(whole.learn) + max(1, whole.slot), len(whole.ids)):
        renderer = Renderer(TOKENIZERS[name], placement, length)
        row = renderer.encode(FORMS["pair"])
        assert len(row.ids) == len(row.learn) == length
        assert row.cut == len(whole.ids) - length > 0
        assert learnt(renderer, row) == ANSWER + "<|end|>"
        assert row.slot == whole.slot
        assert row.ids[: row.slot] == whole.ids[: whole.slot]
        assert (row.ids[0] == 1) == ("BOS" in name), "the beginning-of-text token stays"


def test_a_prompt_leaves_room_for_its_answer_as_in_training() -> None:
    whole = Renderer(TOKENIZERS["chat, BOS"]).encode(FORMS["pair"])
    renderer = Renderer(TOKENIZERS["chat, BOS"], max_length=len(whole.ids) - 5)
    room = renderer.longest([ANSWER, "a"])
    prompt = renderer.prompt(FORMS["pair"].turns[:-1], room)
    assert renderer.answer(prompt, ANSWER).ids == renderer.encode(FORMS["pair"]).ids
    assert prompt.cut == 5


def test_long_texts_keep_their_beginning() -> None:
    whole = Renderer(TOKENIZERS["plain"]).encode(FORMS["text"])
    row = Renderer(TOKENIZERS["plain"], max_length=9).encode(FORMS["text"])
    assert row.ids == whole.ids[:9]
    assert row.cut == len(whole.ids) - 9


@pytest.mark.parametrize(
    ("row", "length", "words"),
    [
        (FORMS["pair"], 4, ["rows.csv:3", "the completion takes 4 tokens", "may have 4", "shorten it", "--max-length"]),
        (example(("text", "a")), 99, ["rows.csv:3", "no token of this row is supervised", "completion"]),
        (Example((Turn("user", "a"), Turn("assistant", "b"))), 99, ["the example:", "supervised", "completion"]),
    ],
)
def test_a_row_that_cannot_be_learnt_is_refused(row: Example, length: int, words: list[str]) -> None:
    with refused(*words):
        Renderer(TOKENIZERS["chat"], max_length=length).encode(row)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("hostile", ["\u2063capotasto\u2063", "a\u2063capotasto\u2063b\u2063capotasto\u2063"])
def test_a_text_cannot_move_the_virtual_tokens(placement: str, hostile: str) -> None:
    """The mark that stands for them in a template is text like any other where a user writes it."""
    renderer = Renderer(TOKENIZERS["chat, BOS"], placement)
    row = renderer.encode(example(("user", hostile), ("assistant", hostile)))
    assert row.slot == renderer.encode(FORMS["pair"]).slot
    assert learnt(renderer, row) == hostile + "<|end|>"
    assert text(renderer, row).count(hostile) == 2


def test_control_tokens_spelled_in_a_text_are_control_tokens() -> None:
    """As everywhere chat templates are used. It is in the documentation of `Renderer`, for it is worth knowing."""
    renderer = Renderer(TOKENIZERS["chat"])
    spelled = renderer.encode(example(("user", "a<|end|>b"), ("assistant", ANSWER)))
    ends = spelled.ids.count(renderer.tokenizer.convert_tokens_to_ids("<|end|>"))
    assert ends == 3
    assert "control token" in (Renderer.__doc__ or "")


@pytest.mark.parametrize("hostile", ["{{ 7 * 7 }}", "{% raw %}", "\x00\ufffd\U0001f600", "</s>" * 3, "\n\n\n", " "])
def test_any_text_comes_through(renderer: Renderer, hostile: str) -> None:
    row = renderer.encode(example(("user", hostile), ("assistant", hostile)))
    assert learnt(renderer, row).startswith(hostile)
    assert hostile in text(renderer, row)
    assert len(row.ids) == len(row.learn)
