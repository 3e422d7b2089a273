"""Asks from many threads are answered as if each were alone."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from capotasto import packed
from capotasto.base.frozen import FrozenBase
from capotasto.decoding import group
from capotasto.decoding.row import Row
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import DataError
from capotasto.serve import engine as engine_module
from capotasto.serve.asks import Ask, Busy
from capotasto.serve.engine import LocalEngine
from capotasto.serve.engine_settings import EngineSettings
from capotasto.session import Base
from capotasto.types import Turn
from tests.decoding.making import adapter_of, alone, shared_base
from tests.making import make_adapter, make_base
from tests.serve.asking import Heard, make_ask
from tests.tiny import tiny_metaspace_tokenizer, tiny_model


@pytest.fixture
def engine(request):
    made = LocalEngine(shared_base("llama"), EngineSettings(**getattr(request, "param", {})))
    yield made
    made.close(0)
    state = made.state()
    assert (state.alive, state.running, state.waiting, state.kv_bytes_reserved) == (False, 0, 0, 0)


def expected(ask):
    base = shared_base("llama")
    return alone(base, Row(ask.prompt, ask.adapter, ask.settings, base.renderer().stops))


def full_adapter():
    return make_adapter("full", shared_base("llama"), name="full")


def test_five_hundred_asks_of_sixteen_threads_are_answered_as_alone():
    base = shared_base("llama")
    kinds = ["prompt", "prefix", "gated", "lora", "dora", "bottleneck", "prompt+lora"]
    adapters = [*(adapter_of("llama", kind) for kind in kinds), full_adapter(), None]
    settings = EngineSettings(max_rows=24, prefill_tokens=40, max_waiting=1000, kv_gb=0.0004)
    engine = LocalEngine(base, settings)
    most, done = [], []

    def client(seed):
        own = random.Random(seed)
        for number in range(seed, 500, 16):
            settings = {"max_new_tokens": own.randrange(1, 8), "temperature": own.choice([0, 1.0]), "top_k": 50}
            ask = make_ask(number, own.choice(adapters), seed=number, **settings)
            heard = Heard()
            ticket = engine.submit(ask, heard)
            if own.random() < 0.15:
                engine.cancel(ticket)
            elif own.random() < 0.5:
                heard.wait()
            most.append(engine.state().kv_bytes_reserved)
            done.append((ask, heard))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(client, range(16)))
    finishes = [heard.wait().finish for _, heard in done]
    for ask, heard in done:
        whole = expected(ask)
        assert heard.finish != "error", heard.error
        assert heard.tokens == (whole[: len(heard.tokens)] if heard.finish == "cancelled" else whole)
    state = engine.state()
    engine.close(0)
    assert len(finishes) == 500
    assert set(finishes) - {"stop"} == {"length", "cancelled"}
    assert finishes.count("cancelled") < 150
    assert (state.running, state.waiting, state.kv_bytes_reserved) == (0, 0, 0)
    assert 0 < max(most) <= state.kv_bytes_limit
    assert state.steps < state.tokens_written / 2, "rows were written together"


def test_rows_with_a_model_of_their_own_may_end_in_the_same_step(engine):
    adapter, together = full_adapter(), threading.Event()
    asks, heard = [make_ask(i, adapter, max_new_tokens=4) for i in range(3)], [Heard() for _ in range(3)]
    engine.call(together.wait)
    for ask, one in zip(asks, heard, strict=True):
        engine.submit(ask, one)
    together.set()
    assert [one.wait().tokens for one in heard] == [expected(ask) for ask in asks]
    assert [one.error for one in heard] == [""] * 3


def test_text_stop_texts_and_logprobs_come_with_the_tokens(engine):
    base, ask = shared_base("llama"), make_ask(3, adapter_of("llama", "lora"), max_new_tokens=30, logprobs=2)
    whole = Heard()
    engine.submit(ask, whole)
    text = whole.wait().text
    assert text == base.tokenizer.decode(whole.tokens, skip_special_tokens=True).removesuffix("\ufffd")
    assert all(piece.top[0][1] == piece.logprob and piece.top[0][0] == piece.token for piece in whole.pieces)
    stop = text[6:8]
    cut = Heard()
    engine.submit(make_ask(3, adapter_of("llama", "lora"), max_new_tokens=30, stop=(stop,)), cut)
    assert cut.wait().text == text[: text.index(stop)]
    assert cut.finish == "stop"
    assert len(cut.tokens) < 30


def test_a_continuation_begins_with_its_own_space():
    tokenizer = tiny_metaspace_tokenizer()
    base = Base.over(FrozenBase.from_parts(tiny_model("llama"), tokenizer))
    prompt, heard = base.renderer().prompt([Turn("text", "the rain")]), [Heard() for _ in range(60)]
    engine = LocalEngine(base, EngineSettings())
    for seed, one in enumerate(heard):
        engine.submit(Ask(prompt, None, GenerateSettings(max_new_tokens=1, temperature=1.5, seed=seed)), one)
    engine.close(60)
    wholes = [tokenizer.decode([*prompt.ids, *one.tokens], skip_special_tokens=True) for one in heard]
    assert ["the rain" + one.text for one in heard] == [whole.removesuffix("\ufffd") for whole in wholes]
    assert any(one.text.startswith(" ") and one.text.strip() for one in heard)


@pytest.mark.parametrize("engine", [{"prompt_cache_mb": 1}, {"prompt_cache_mb": 0}], indirect=True)
def test_a_soft_prompt_is_computed_once(engine, monkeypatch):
    ask = make_ask(1, adapter_of("llama", "prompt"))
    for _ in range(2):
        heard = Heard()
        engine.submit(ask, heard)
        assert heard.wait().tokens == expected(ask)
    known, fill = [], group.prefill

    def watched(base, fillings, most):
        known.extend(filling.before is not None for filling in fillings)
        return fill(base, fillings, most)

    monkeypatch.setattr(group, "prefill", watched)
    again = Heard()
    engine.submit(ask, again)
    assert again.wait().tokens == expected(ask)
    keeps = engine._settings.prompt_cache_mb > 0
    assert known == [keeps]
    assert (engine.state().prompt_cache_bytes > 0) == keeps


def raising(after):
    """A LoRA whose change raises after so many calls."""
    adapter = make_adapter("lora", shared_base("llama"), name="raising")
    calls = []

    def delta(x, y):
        calls.append(len(x))
        if len(calls) > after:
            raise ZeroDivisionError("a layer cannot be changed")
        return torch.zeros_like(y)

    adapter.settled = lambda: None
    adapter.deltas = lambda: {"model.layers.0.mlp.down_proj": delta}
    return adapter


@pytest.mark.parametrize("after", [0, 1, 3], ids=["in its prompt", "in its first step", "later"])
def test_what_raises_ends_its_own_row_only(engine, after):
    good = [make_ask(i, adapter_of("llama", kind), max_new_tokens=12) for i, kind in enumerate(["lora", "prompt"])]
    heard = [Heard() for _ in range(4)]
    together = threading.Event()
    engine.call(together.wait)  # so that they begin together
    for ask, one in zip([good[0], make_ask(8, raising(after), max_new_tokens=12), good[1]], heard, strict=False):
        engine.submit(ask, one)
    together.set()
    for one in heard[:3]:
        one.wait()
    assert heard[1].finish == "error"
    assert "a layer cannot be changed" in heard[1].error
    assert "\n" not in heard[1].error
    assert [heard[0].tokens, heard[2].tokens] == [expected(ask) for ask in good]
    engine.submit(good[0], heard[3])
    assert heard[3].wait().tokens == expected(good[0]), "the engine goes on"


def test_a_hearer_that_raises_loses_its_own_answer_only(engine):
    ask, gone, heard = make_ask(1, None, max_new_tokens=12), Heard(fail_after=2), Heard()
    engine.submit(ask, gone)
    engine.submit(ask, heard)
    assert heard.wait().tokens == expected(ask)
    assert len(gone.pieces) == 2
    assert engine.call(lambda: engine.state().running).result(10) == 0


def test_work_is_done_between_steps_in_the_engine_s_thread(engine):
    assert engine.call(lambda: threading.current_thread().name).result(10) == "capotasto engine"
    with pytest.raises(ZeroDivisionError):
        engine.call(lambda: 1 / 0).result(10)


@pytest.mark.parametrize("cancelled", [False, True])
def test_work_that_never_ends_holds_up_no_answer(engine, cancelled):
    ask, heard, calls = make_ask(1, None, max_new_tokens=20), Heard(), []

    def again(_):
        calls.append(1)
        if len(calls) < 1000 and not (heard.pieces and heard.finish):
            engine.call(lambda: None).add_done_callback(again)

    together = threading.Event()
    engine.call(together.wait).add_done_callback(again)
    ticket = engine.submit(ask, heard)
    if cancelled:
        engine.cancel(ticket)
    together.set()
    assert heard.wait().finish == ("cancelled" if cancelled else "length")
    assert len(calls) <= 2 + len(heard.tokens)


@pytest.mark.parametrize("engine", [{"max_rows": 1, "max_waiting": 2}], indirect=True)
def test_a_full_queue_is_busy(engine):
    together = threading.Event()
    engine.call(together.wait)
    heard = [Heard() for _ in range(3)]
    for i, one in enumerate(heard):
        engine.submit(make_ask(i), one)
    with pytest.raises(Busy, match="3 asks are waiting already; ask again later"):
        engine.submit(make_ask(4), Heard())
    together.set()
    assert [one.wait().finish for one in heard] == ["length"] * 3


@pytest.mark.parametrize("engine", [{"kv_gb": 0.0001}], indirect=True)
def test_what_can_never_fit_is_refused_with_the_numbers(engine):
    with pytest.raises(DataError, match=r"with 200 new tokens takes 0\.1 MiB .* there are 0\.1; shorten it"):
        engine.submit(make_ask(0, None, max_new_tokens=200), Heard())
    with pytest.raises(DataError, match="does not fit the context of 256"):
        engine.submit(make_ask(0, None, max_new_tokens=2000), Heard())


def test_closing_finishes_what_runs_or_cancels_it():
    base, ask = shared_base("llama"), make_ask(1, None, max_new_tokens=200)
    drained, cut, engine = Heard(), Heard(), LocalEngine(base, EngineSettings())
    engine.submit(ask, drained)
    engine.close(60)
    assert drained.finish == "length"
    with pytest.raises(Busy, match="closing"):
        engine.submit(ask, Heard())
    with pytest.raises(Busy, match="closed"):
        engine.call(lambda: 1).result(1)
    engine = LocalEngine(base, EngineSettings(max_rows=1))
    waiting = Heard()
    engine.submit(ask, cut)
    engine.submit(ask, waiting)
    engine.close(0)
    assert (cut.finish, waiting.finish) == ("cancelled", "cancelled")
    assert not engine.state().alive


def test_tokens_that_cannot_be_read_end_their_own_answer_only(engine, monkeypatch):
    tokenizer, asks = shared_base("llama").tokenizer, [make_ask(i, None, max_new_tokens=12) for i in range(2)]
    bad = next(token for token in expected(asks[0])[2:] if token not in expected(asks[1]))
    decode = tokenizer.decode

    def picky(ids, **more):
        if bad in ids:
            raise ValueError(f"what is {bad}?")
        return decode(ids, **more)

    monkeypatch.setattr(tokenizer, "decode", picky)
    heard = [Heard(), Heard()]
    for ask, one in zip(asks, heard, strict=True):
        engine.submit(ask, one)
    assert heard[0].wait().finish == "error"
    assert heard[0].error == f"its tokens cannot be read as text: what is {bad}?"
    assert heard[1].wait().tokens == expected(asks[1])
    assert engine.call(lambda: engine.state().running).result(10) == 0


def test_weights_that_cannot_be_packed_are_read_as_they_are(monkeypatch):
    def no_memory(module):
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(packed, "_pack", no_memory)
    base, heard = make_base(dtype=torch.float32), Heard()

    def write():
        engine = LocalEngine(base, EngineSettings())
        engine.submit(make_ask(1, None, max_new_tokens=5), heard)
        engine.close(60)

    with pytest.warns(UserWarning, match="writing is slower"):
        write()
    assert heard.finish == "length"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_engine_that_dies_leaves_nobody_waiting(monkeypatch):
    engine, together, calls = LocalEngine(shared_base("llama"), EngineSettings(max_rows=1)), threading.Event(), []

    def die():
        calls.append(engine.call(lambda: 1))
        raise SystemExit

    monkeypatch.setattr(engine._scheduler, "advance", die)
    engine.call(together.wait)
    heard = [Heard(), Heard()]
    for one in heard:
        engine.submit(make_ask(1), one)
    together.set()
    assert [one.wait().error for one in heard] == ["the engine has stopped; start another"] * 2
    for future in (calls[0], engine.call(lambda: 1)):
        with pytest.raises(Busy, match="closed"):
            future.result(10)
    with pytest.raises(Busy):
        engine.submit(make_ask(1), Heard())
    engine.close(10)
    assert not engine.state().alive


def test_closing_waits_for_no_call_that_does_not_end(monkeypatch):
    monkeypatch.setattr(engine_module, "LAST_SECONDS", 0.1)
    engine, end, heard = LocalEngine(shared_base("llama"), EngineSettings()), threading.Event(), Heard()
    begun = threading.Event()
    engine.call(lambda: (begun.set(), end.wait()))
    begun.wait()
    later = engine.call(lambda: 1)
    engine.submit(make_ask(1), heard)
    engine.close(0)
    assert engine.state().alive
    end.set()
    assert heard.wait().finish == "cancelled"
    with pytest.raises(Busy, match="closed"):
        later.result(10)
