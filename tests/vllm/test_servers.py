"""Two real vLLM servers: their answers are ours, and one that is killed costs no answer that had not begun.

`make test-vllm` makes the environment and runs this.
"""

import pytest
import torch

import capotasto as capo
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.serve.vllm.engine import VllmEngine
from capotasto.serve.vllm.settings import VllmSettings
from capotasto.serve.vllm.thin_base import thin_base
from tests.making import logits_of, make_adapter
from tests.serve.asking import ask
from tests.vllm.servers import PYTHON, Server

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not PYTHON.exists(), reason="vLLM is not installed; `make test-vllm` installs and runs it"),
]
TEXTS = ["My parcel never came.", "Write one sentence about rain.", "What is the capital of France?"]
TOKENS = 20
TIE = 0.02  # nats between two tokens of which either may be written, and between two ways to compute a logprob


@pytest.fixture(scope="module", autouse=True)
def users_cache(home):
    """The real base is fetched into the user's own cache, so that it is fetched once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CAPO_HOME")
        yield


@pytest.fixture(scope="module")
def base():
    """The real base, whole: what the servers are compared with."""
    return capo.load_base("smollm2-135m", dtype="fp32", device="cpu")


@pytest.fixture(scope="module")
def adapters(base):
    """By kind; far enough from nothing that each shows in the very first logprob."""
    found = {"bare": None, "prompt": capo.new_prompt(base, "p", tokens=8)}
    for kind in ("lora", "prompt+lora"):
        found[kind] = make_adapter(kind, base, size=8, seed=1, name=kind)
        with torch.no_grad():
            for parameter in found[kind].parameters():
                parameter *= 0.3
    return found


@pytest.fixture(scope="module")
def servers(base, tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    made = [Server(base.folder, logs / f"{number}.log", rows=2) for number in range(2)]
    try:
        for one in made:
            one.wait()
        yield made
    finally:
        for one in made:
            one.kill()


@pytest.fixture(scope="module")
def engine(servers, tmp_path_factory):
    settings = VllmSettings(vllm_url=[one.url for one in servers], lora_folder=tmp_path_factory.mktemp("loras"))
    made = VllmEngine(thin_base("smollm2-135m"), settings)
    yield made
    made.close(0)


def ours(base, row, adapter) -> list[int]:
    settings = GenerateSettings(max_new_tokens=TOKENS)
    return generate(base, [row], [adapter], settings, base.renderer().stops)[0]


def chances(base, row, adapter, written=()) -> torch.Tensor:
    """[V] logprobs of what follows the row and what was written behind it."""
    ids = (*row.ids, *written)
    longer = type(row)(ids, (False,) * len(ids), row.slot)
    return logits_of(base, [longer], [adapter])[0][-1].log_softmax(-1)


def same_but_for_ties(base, row, adapter, found: list[int]) -> bool:
    """True if they are our tokens, or differ from where the two likeliest are as good as each other."""
    wanted = ours(base, row, adapter)
    for place, (one, other) in enumerate(zip(found, wanted, strict=False)):
        if one != other:
            likely = chances(base, row, adapter, wanted[:place])
            return abs(float(likely[one] - likely[other])) < TIE
    return abs(len(found) - len(wanted)) <= 1  # the stop may be counted


@pytest.mark.parametrize("kind", ["bare", "prompt", "lora", "prompt+lora"])
def test_answers_and_logprobs_are_ours(base, adapters, engine, kind):
    adapter = adapters[kind]
    rows = [base._prompt(text, adapter, chat=True) for text in TEXTS]
    heard = [ask(engine, row, adapter, TOKENS, logprobs=2) for row in rows]
    for row, one in zip(rows, heard, strict=True):
        assert one.end(600).finish in ("stop", "length"), one.pieces[-1]
        assert same_but_for_ties(base, row, adapter, one.tokens), one.text
        first, likely = one.pieces[0], chances(base, row, adapter)
        assert first.logprob == pytest.approx(float(likely[first.token]), abs=TIE)
        assert [value for _, value in first.top] == pytest.approx(likely.topk(2).values.tolist(), abs=TIE)
        bare = chances(base, row, None)
        assert adapter is None or abs(first.logprob - float(bare[first.token])) > 2 * TIE, "the adapter shows"


def test_a_killed_server_costs_no_answer_that_had_not_begun(base, adapters, servers, engine):
    kinds = ["bare", "prompt", "lora"] * 4
    rows = [base._prompt(TEXTS[i // 4], adapters[kind], chat=True) for i, kind in enumerate(kinds)]
    heard = [ask(engine, row, adapters[kind], TOKENS) for row, kind in zip(rows, kinds, strict=True)]
    assert any(one.begun.wait(120) for one in heard)
    servers[0].kill()
    ends = [one.end(600) for one in heard]
    broken = [one for one, end in zip(heard, ends, strict=True) if end.finish == "error"]
    assert [one.pieces for one in broken if not one.tokens] == [], "an answer that had not begun was lost"
    assert len(broken) <= 2, "so many rows did the dead server write at a time"
    for row, kind, one in zip(rows, kinds, heard, strict=True):
        if one not in broken:
            assert same_but_for_ties(base, row, adapters[kind], one.tokens), one.text
    assert engine.state().alive
    assert ask(engine, rows[0], None, 3).end(120).finish == "length"
