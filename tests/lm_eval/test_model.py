"""The model `capotasto` of lm-eval answers as lm-eval's own `hf` does: the same requests, the same numbers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from capotasto.artifact import save_adapter
from capotasto.base.frozen import FrozenBase
from capotasto.errors import UserError
from capotasto.lm_eval.model import Model
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from tests.lm_eval.conftest import TASKS, Evaluate
from tests.making import make_adapter, make_base
from tests.refusing import refused
from tests.tiny import CONTEXT, tiny_metaspace_tokenizer, tiny_model, tiny_tokenizer

lm_eval = pytest.importorskip("lm_eval")


def ours(base: Base, adapter: Adapter | None = None, **settings: Any) -> Any:
    from capotasto.lm_eval.registered import lm_class

    return lm_class()(base, adapter, **settings)


def theirs(model: Any, tokenizer: Any = None, **settings: Any) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=model, tokenizer=tokenizer or tiny_tokenizer(), batch_size=3, **settings)


@pytest.fixture(scope="module")
def base() -> Base:
    return make_base()


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Each answer and each score."""
    for task, samples in wanted["samples"].items():
        for mine, other in zip(found["samples"][task], samples, strict=True):
            assert mine["arguments"] == other["arguments"]
            for one, two in zip(mine["resps"], other["resps"], strict=True):
                assert_same_answer(one[0], two[0])
        for metric, value in wanted["results"][task].items():
            if isinstance(value, float):
                assert found["results"][task][metric] == pytest.approx(value, rel=1e-6), metric


def assert_same_answer(mine: Any, other: Any) -> None:
    if isinstance(other, str):
        assert mine.rstrip("\ufffd") == other.rstrip("\ufffd")  # half a character at the end is not given out
    else:
        nats, *greedy = other if isinstance(other, tuple | list) else (other,)
        own, *own_greedy = mine if isinstance(mine, tuple | list) else (mine,)
        assert own == pytest.approx(nats, rel=1e-6)
        assert own_greedy == greedy


@pytest.fixture(scope="module")
def bare(base: Base, evaluate: Evaluate) -> dict[str, Any]:
    return evaluate(ours(base, batch_tokens=100))


def test_the_bare_base_scores_as_hf_does(bare: dict[str, Any], evaluate: Evaluate) -> None:
    same(bare, evaluate(theirs(tiny_model("llama"))))
    assert any(sample["resps"][0][0] for sample in bare["samples"]["writing"]), "something is written"


def test_a_lora_scores_as_hf_with_peft_does(
    base: Base, bare: dict[str, Any], evaluate: Evaluate, tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft")
    adapter = make_adapter("lora", base)
    save_adapter(adapter, tmp_path / "lora", base, {})
    tuned = peft.PeftModel.from_pretrained(tiny_model("llama"), tmp_path / "lora").to(torch.float64)
    found = evaluate(ours(base, adapter))
    same(found, evaluate(theirs(tuned)))
    changed, before = ([sample["resps"] for sample in one["samples"]["choosing"]] for one in (found, bare))
    assert changed != before


def test_dialogues_are_rendered_as_hf_does(base: Base, evaluate: Evaluate) -> None:
    more = {"apply_chat_template": True, "system_instruction": "be short"}
    found = evaluate(ours(base), "choosing", "writing", **more)
    assert found["samples"]["choosing"][0]["arguments"][0][0].startswith("<|start|>system\nbe short<|end|>")
    same(found, evaluate(theirs(tiny_model("llama")), "choosing", "writing", **more))


def test_a_tokenizer_that_adds_a_first_token_is_used_as_hf_does(evaluate: Evaluate) -> None:
    tokenizer, kinds = tiny_metaspace_tokenizer(), ("choosing", "ending", "reading")
    base = Base.over(FrozenBase.from_parts(tiny_model("llama"), tokenizer))
    same(evaluate(ours(base), *kinds), evaluate(theirs(tiny_model("llama"), tokenizer), *kinds))


def test_rows_are_cut_to_max_length_as_hf_does(base: Base, evaluate: Evaluate) -> None:
    """Without its cache of logits, which takes the wrong ones (lm-eval 0.4.13) where two windows hold the same tokens
    and begin to be scored at different ones."""
    found = evaluate(ours(base, max_length=40))
    same(found, evaluate(theirs(tiny_model("llama"), max_length=40, logits_cache=False)))


def test_virtual_tokens_take_their_room(base: Base, evaluate: Evaluate) -> None:
    model = ours(base, make_adapter("prompt", base, size=7))
    assert model.max_length == CONTEXT - 7
    assert evaluate(model, *TASKS)["samples"].keys() == TASKS.keys()


def request(*args: Any) -> Any:
    return SimpleNamespace(args=args)


def test_sampling_follows_its_seed_and_repeats_differ(base: Base) -> None:
    wish = {"do_sample": True, "temperature": 2.0, "max_gen_toks": 20, "until": []}
    asked = [request("the sun", wish)] * 3 + [request("the rain", {**wish, "seed": 5})]
    first = ours(base).generate_until(asked, disable_tqdm=True)
    assert first == ours(base).generate_until(asked, disable_tqdm=True)
    assert len(set(first)) == 4


def test_an_answer_ends_at_the_special_token_a_task_names(base: Base) -> None:
    """`<|end|>` is no text: it is left out of what is written, and ends it all the same."""
    changed, prompt = make_base(), base.tokenizer("the sun")["input_ids"]
    with torch.no_grad():
        likeliest = int(tiny_model("llama")(torch.tensor([prompt])).logits[0, -1].argmax())
        head = changed.model.get_output_embeddings().weight
        head[changed.tokenizer.convert_tokens_to_ids("<|end|>")] = 10 * head[likeliest]
    plain = {"max_gen_toks": 5, "until": []}
    asked = [request("the sun", {**plain, "until": ["<|end|>"]}), request("the rain", plain)]
    ended, gone_on = ours(changed).generate_until(asked, disable_tqdm=True)
    assert ended == ""
    assert gone_on


def test_answers_are_kept_for_the_cache(base: Base) -> None:
    """lm-eval keeps them while they come, so that a run that is broken off goes on from there."""
    model, kept = ours(base), {}
    model.cache_hook = SimpleNamespace(add_partial=lambda kind, args, answer: kept.update({(kind, str(args)): answer}))
    nats = model.loglikelihood([request("the", " sun")], disable_tqdm=True)
    text = model.generate_until([request("the", {"max_gen_toks": 3})], disable_tqdm=True)
    whole = model.loglikelihood_rolling([request("the sun")], disable_tqdm=True)
    assert kept == {
        ("loglikelihood", "('the', ' sun')"): nats[0],
        ("generate_until", "('the', {'max_gen_toks': 3})"): text[0],
        ("loglikelihood_rolling", "('the sun',)"): whole[0],
    }


def test_results_say_what_was_judged(base: Base, evaluate: Evaluate) -> None:
    adapter = make_adapter("lora", base, name="tickets")
    config = evaluate(ours(base, adapter), "ending")["config"]
    assert (config["base_fingerprint"], config["adapter"]) == (base.fingerprint, "tickets")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (lambda base: ours(make_base("bert")), ["is an encoder", "choose a decoder base"]),
        (lambda base: ours(base, make_adapter("head", base)), ["answers with a head", "capo eval"]),
        (lambda base: ours(base, make_adapter("prompt", base, placement="system")), ["system turn", "--placement"]),
        (
            lambda base: ours(base).generate_until([request("a", {"num_beams": 4})]),
            ["unknown setting 'num_beams' in the task's generation_kwargs", "known: "],
        ),
        (
            lambda base: ours(base, max_length=20).generate_until([request("a", {"max_gen_toks": 20})]),
            ["20 new tokens", "a row may have 20", "--gen_kwargs max_gen_toks=N"],
        ),
        (
            lambda base: ours(base, max_length=4).loglikelihood([request("a", "b" * 30)]),
            ["a continuation has 30 tokens", "a row may have 4"],
        ),
        (
            lambda base: Model.create_from_arg_obj({"pretrained": "gpt2"}),
            ["unknown setting 'pretrained' in --model_args", "known: adapter, base"],
        ),
        (lambda base: Model.create_from_arg_obj({"base": "nowhere"}), ["unknown base 'nowhere'"]),
        (lambda base: Model.create_from_arg_obj({"dtype": "float32"}), ["'dtype' in --model_args", "got 'float32'"]),
    ],
)
def test_misuse_is_one_line_with_a_remedy(base: Base, case: Any, words: list[str]) -> None:
    with refused(*words):
        case(base)


def test_without_a_chat_template_dialogues_are_refused() -> None:
    from tests.tiny import tiny_base

    base = Base.over(tiny_base(chat_template=False))
    with pytest.raises(UserError, match=r"has no chat template; leave --apply_chat_template out"):
        ours(base).apply_chat_template([{"role": "user", "content": "a"}])
