"""Answers that servers write are those written here, whichever server does it and whatever happens to the others."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident

import pytest
import torch
from safetensors.torch import load_file, save_file

from capotasto.artifact import save_adapter
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.errors import UserError
from capotasto.serve.asks import Busy
from capotasto.serve.intake import Intake
from capotasto.serve.vllm.engine import VllmEngine
from capotasto.serve.vllm.settings import VllmSettings
from capotasto.serve.vllm.thin_base import thin_base
from capotasto.types import Encoded, Turn
from tests.making import logits_of, make_adapter, make_rows, read_base
from tests.refusing import refused
from tests.serve.asking import ask
from tests.serve.serving import served
from tests.serve.vllm_server import VllmServer
from tests.tiny import save_base, tiny_model, tiny_tokenizer

pytestmark = pytest.mark.usefixtures("cache")
SHORT = GenerateSettings(max_new_tokens=5, ignore_end=False)
QUICK = {"check_seconds": 0.05, "connect_seconds": 2.0}


@pytest.fixture(scope="module")
def base(model):
    return read_base(model)


@pytest.fixture(scope="module")
def thin(model):
    return thin_base(str(model))


@pytest.fixture
def servers():
    """Servers made on demand, all killed at the end."""
    made: list[VllmServer] = []

    def make(**given) -> VllmServer:
        made.append(VllmServer(tiny_model("llama", torch.float32), tiny_tokenizer(), **given))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def engines(thin):
    made: list[VllmEngine] = []

    def make(*servers: VllmServer, **given) -> VllmEngine:
        made.append(VllmEngine(thin, VllmSettings(vllm_url=[one.url for one in servers], **{**QUICK, **given})))
        return made[-1]

    yield make
    for one in made:
        one.close(0)


def ours(base, row, adapter, tokens: int = 8) -> list[int]:
    settings = GenerateSettings(max_new_tokens=tokens)
    return generate(base, [row], [adapter], settings, base.renderer().stops)[0]


def without_stop(base, heard) -> list[int]:
    return [token for token in heard.tokens if token not in base.renderer().stops]


def eventually(true) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


MAKING = {
    "the bare base": None,
    "a prompt": ("prompt", {}),
    "a prompt after the first token": ("prompt", {"placement": "after_bos"}),
    "a lora": ("lora", {"targets": "all-linear", "rslora": True}),
    "a prompt and a lora": ("prompt+lora", {}),
}


@pytest.mark.parametrize("kind", MAKING)
def test_answers_are_ours(base, servers, engines, kind):
    made = MAKING[kind]
    adapter = None if made is None else make_adapter(made[0], base, **made[1])
    engine = engines(servers())
    rows = [Encoded((1, *row.ids), (False, *row.learn), slot=int(kind.endswith("token"))) for row in make_rows(base, 3)]
    heard = [ask(engine, row, adapter) for row in rows]
    wanted = [ours(base, row, adapter) for row in rows]
    assert [one.end().finish in ("length", "stop") for one in heard] == [True] * 3
    assert [without_stop(base, one) for one in heard] == wanted
    assert [one.text for one in heard] == [base.tokenizer.decode(ids, skip_special_tokens=True) for ids in wanted]
    if adapter is not None:
        assert wanted != [ours(base, row, None) for row in rows], "the adapter shows"


def test_logprobs_are_those_of_our_logits(base, servers, engines):
    adapter, row = make_adapter("prompt", base), make_rows(base, 1)[0]
    heard = ask(engines(servers()), row, adapter, tokens=1, logprobs=3)
    heard.end()
    chances = logits_of(base, [row], [adapter])[0][-1].log_softmax(-1)
    values, ids = chances.topk(3)
    [piece] = heard.pieces
    assert piece.token == int(ids[0])
    assert piece.logprob == pytest.approx(float(values[0]), abs=1e-4)
    assert [token for token, _ in piece.top] == ids.tolist()
    assert [value for _, value in piece.top] == pytest.approx(values.tolist(), abs=1e-4)
    alone = ask(engines(servers()), row, adapter, tokens=1, logprobs=0)
    assert (alone.end().top, alone.end().logprob) == ((), piece.logprob)


def test_what_is_asked_goes_under_the_servers_names(base, servers, engines, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    server, row = servers(), make_rows(base, 1)[0]
    engine = engines(server)
    ask(engine, row, temperature=0.5, top_p=0.9, seed=3, repetition_penalty=1.1, stop=("x",), pattern="a+").end()
    ask(engine, row, make_adapter("prompt", base), tokens=3, schema="{}").end()
    first, second = server.asked()
    wanted = {"max_tokens": 8, "temperature": 0.5, "top_p": 0.9, "seed": 3, "repetition_penalty": 1.1, "stop": ["x"]}
    assert {key: first[key] for key in wanted} == wanted
    assert first["stop_token_ids"] == base.renderer().stops
    assert first["structured_outputs"] == {"regex": "a+"}
    assert (first["prompt"], "prompt_embeds" in first) == (list(row.ids), False)
    assert second["structured_outputs"] == {"json": "{}"}
    assert "prompt" not in second
    assert {headers["Authorization"] for _, _, headers in server.heard} == {"Bearer secret"}


def test_the_least_busy_server_is_asked(base, servers, engines):
    one, other = servers(), servers()
    one.delay = other.delay = 0.05
    engine, row = engines(one, other), make_rows(base, 1)[0]
    heard = [ask(engine, row, tokens=4) for _ in range(8)]
    eventually(lambda: engine.state().running + engine.state().waiting == 8)
    [each.end() for each in heard]
    assert (len(one.asked()), len(other.asked())) == (4, 4)
    state = engine.state()
    assert (state.waiting, state.running, state.tokens_written, state.alive) == (0, 0, 32, True)
    assert state.prompt_tokens == 8 * len(row.ids)


def test_an_answer_that_has_not_begun_moves_on_when_its_server_dies(base, servers, engines):
    one, other = servers(), servers()
    engine, rows = engines(one, other), make_rows(base, 12)
    one.dies_at, one.down, one.delay = 0, True, 0.05
    adapter = make_adapter("prompt", base)
    heard = [ask(engine, row, adapter) for row in rows]
    assert [each.end().error for each in heard] == [""] * 12
    assert [without_stop(base, each) for each in heard] == [ours(base, row, adapter) for row in rows]
    assert len(one.asked()) >= 1
    assert len(other.asked()) == 12


def test_an_answer_that_has_begun_is_never_asked_twice(base, servers, engines):
    one, other = servers(), servers()
    one.dies_at = other.dies_at = 3
    heard = ask(engines(one, other), make_rows(base, 1)[0])
    last = heard.end()
    assert last.finish == "error"
    assert "the answer had begun" in last.error
    assert "\n" not in last.error
    assert len(heard.tokens) == 3
    assert len(one.asked()) + len(other.asked()) == 1


@pytest.mark.parametrize("status", [500, 404])
def test_a_server_that_fails_before_the_first_token_is_left_for_another(base, servers, engines, status):
    one, other = servers(), servers()
    engine = engines(one, other)
    one.refuses["/v1/completions"] = (status, "EngineCore died")
    heard = [ask(engine, make_rows(base, 1)[0]) for _ in range(2)]
    assert [each.end().finish for each in heard] == ["length"] * 2


def test_a_request_that_fails_costs_no_server(base, servers, engines):
    both = [servers(), servers()]
    engine = engines(*both, check_seconds=60)
    for one in both:
        one.refuses["/v1/completions"] = (500, "this row is too much")
    assert "this row is too much" in ask(engine, make_rows(base, 1)[0]).end().error
    assert engine.state().alive
    for one in both:
        del one.refuses["/v1/completions"]
        one.heard.clear()
    assert ask(engine, make_rows(base, 1)[0]).end().finish == "length"
    assert sum(len(one.heard) for one in both) == 1, "nobody had to be met again"


def test_what_servers_refuse_is_a_refusal(base, thin, servers):
    server = servers()
    engine = VllmEngine(thin, VllmSettings(vllm_url=[server.url], **QUICK))
    server.refuses["/v1/completions"] = (400, "the schema is not supported")
    with served(thin, engine=engine) as running:
        heard = running.post("/v1/completions", prompt="one", guided_json={"type": "odd"})
        assert (heard.status, "the schema is not supported" in heard.message) == (400, True)
        assert heard.json["error"]["type"] == "invalid_request_error"
        server.refuses["/v1/completions"] = (401, "no key")  # that is the server's own affair
        assert running.post("/v1/completions", prompt="one").status == 500


def test_when_all_are_gone_it_says_so_and_takes_up_again_when_one_is_back(base, servers, engines):
    server = servers()
    engine, row, adapter = engines(server), make_rows(base, 1)[0], make_adapter("lora", base)
    assert ask(engine, row, adapter).end().finish == "length"
    server.kill()
    eventually(lambda: not engine.state().alive)
    error = ask(engine, row).end().error
    assert server.url in error
    assert "no vLLM server is left" in error
    again = servers(port=int(server.url.rsplit(":", 1)[1]))
    eventually(lambda: engine.state().alive)
    heard = ask(engine, row, adapter)
    assert heard.end().finish == "length"
    assert without_stop(base, heard) == ours(base, row, adapter)
    assert len(again.asked("/v1/load_lora_adapter")) == 1, "a new server is given the LoRA anew"


def test_a_lora_is_loaded_once_under_a_name_of_its_content(base, servers, engines, tmp_path):
    server, row = servers(), make_rows(base, 1)[0]
    engine = engines(server, lora_folder=tmp_path / "shared")
    first, second = (make_adapter("lora", base, seed=seed, name="my lora") for seed in (0, 1))
    heard = [ask(engine, row, adapter) for adapter in (first, second, first, second)]
    [each.end() for each in heard]
    loaded = server.asked("/v1/load_lora_adapter")
    assert len({body["lora_name"] for body in loaded}) == len(loaded) == 2
    assert all(body["lora_name"].startswith("my_lora-") for body in loaded)
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == sorted(b["lora_name"] for b in loaded)
    wanted = [ours(base, row, adapter) for adapter in (first, second)]
    assert [without_stop(base, each) for each in heard] == wanted * 2
    assert wanted[0] != wanted[1]
    ask(engines(server, lora_folder=tmp_path / "shared"), row, first).end()
    assert heard[0].text == heard[2].text, "a server that has it already is content"


def test_a_lora_that_a_server_refuses_is_one_line_with_what_to_do(base, servers, engines):
    server = servers()
    server.refuses["/v1/load_lora_adapter"] = (400, "LoRA rank 64 is greater than max_lora_rank 16.\nSee the docs.")
    error = ask(engines(server), make_rows(base, 1)[0], make_adapter("lora", base)).end().error
    assert [words for words in ("rank 64", "--max-lora-rank", "--enable-lora", "must see") if words not in error] == []
    assert "\n" not in error


def test_a_cancelled_answer_ends_and_its_server_hears_of_it(base, servers, engines):
    server = servers()
    server.delay = 0.05
    engine, row = engines(server), make_rows(base, 1)[0]
    running = ask(engine, row, tokens=100)
    assert running.begun.wait(10)
    engine.cancel(running.ticket)
    assert running.end().finish == "cancelled"
    eventually(lambda: server.left == 1)
    at_once = ask(engine, row)
    engine.cancel(at_once.ticket)
    assert at_once.end().finish == "cancelled"
    engine.cancel(at_once.ticket)
    assert engine.state().running == engine.state().waiting == 0


def test_work_is_done_in_the_engines_thread(base, servers, engines):
    engine, threads = engines(servers()), []
    heard = ask(engine, make_rows(base, 1)[0])
    heard.end()
    threads = [engine.call(get_ident).result(5) for _ in range(2)]
    assert threads[0] == threads[1] != get_ident()
    with pytest.raises(ZeroDivisionError):
        engine.call(lambda: 1 // 0).result(5)


def test_closing_lets_what_runs_end_for_a_while(base, servers, engines):
    server = servers()
    server.delay = 0.02
    engine, row = engines(server), make_rows(base, 1)[0]
    short, long = ask(engine, row, tokens=3), ask(engine, row, tokens=150)
    engine.close(0.5)
    assert (short.end().finish, long.end().finish) == ("length", "cancelled")
    with pytest.raises(Busy, match="closing"):
        ask(engine, row)
    with pytest.raises(Busy, match="closing"):
        engine.call(get_ident)
    engine.cancel(long.ticket)
    engine.close(0)
    assert not engine.state().alive


KINDS = {
    "prefix": ["keys and values of each layer", "on this machine"],
    "bottleneck": ["changes of layers"],
    "gated": ["attention through gates"],
    "head": ["a head"],
    "full": ["a model of its own"],
    "lora+head": ["changes of layers and a head"],
}


@pytest.mark.parametrize("method", KINDS)
def test_kinds_that_vllm_cannot_take_are_refused(base, servers, engines, method):
    with refused("vLLM takes virtual tokens and one plain lora", *KINDS[method]):
        ask(engines(servers()), make_rows(base, 1)[0], make_adapter(method, base))


def test_a_dora_is_no_plain_lora(base, servers, engines):
    with pytest.raises(UserError, match="lengths or biases"):
        ask(engines(servers()), make_rows(base, 1)[0], make_adapter("lora", base, dora=True))


def test_rows_that_cannot_be_written_are_refused_at_once(base, servers, engines):
    server = servers()
    engine, row, prompt = engines(server, max_waiting=1), make_rows(base, 1)[0], make_adapter("prompt", base)
    count = len(row.ids)
    with pytest.raises(
        UserError, match=f"has {count} tokens and 5 virtual ones: with 200 new ones .* fit the 200 that"
    ):
        ask(engine, row, prompt, tokens=200)
    with pytest.raises(UserError, match="is empty"):
        ask(engine, Encoded((), ()))
    with pytest.raises(UserError, match="repetition_penalty counts the words of the prompt"):
        ask(engine, row, prompt, repetition_penalty=1.2)
    server.delay = 0.1
    running = ask(engine, row)
    with pytest.raises(Busy, match="1 asks are under way"):
        ask(engine, row)
    running.end()


def test_servers_that_do_not_serve_this_base_are_refused_at_the_start(thin, servers, engines):
    with pytest.raises(UserError, match="no vLLM server; give its address"):
        engines()
    with pytest.raises(UserError, match="'localhost:8000' is no address of a server; write it with http://"):
        VllmEngine(thin, VllmSettings(vllm_url=["localhost:8000"]))
    gone = servers()
    gone.kill()
    with pytest.raises(UserError, match=r"no vLLM server is there: .*does not answer"):
        engines(gone)
    with pytest.raises(UserError, match=r"must set `--enable-prompt-embeds`"):
        engines(servers(embeds=False))
    with pytest.raises(UserError, match="serves tiny, not 'other'"):
        engines(servers(), vllm_model="other")
    stranger = servers()
    stranger.model = tiny_model("llama", torch.float32, seed=1)
    with pytest.raises(UserError, match=r"is not .*takes the same prompt otherwise") as caught:
        engines(servers(), stranger)
    assert "\n" not in str(caught.value)


def test_one_server_is_enough_to_start(base, servers, engines):
    gone, there = servers(), servers()
    gone.kill()
    assert ask(engines(gone, there), make_rows(base, 1)[0]).end().finish == "length"


def test_a_thin_base_reads_as_the_whole_one_does(base, thin, tmp_path):
    assert thin.fingerprint == base.fingerprint
    ids = torch.tensor([5, 9])
    assert torch.equal(thin.embedding(ids), base.embedding(ids))
    with pytest.raises(UserError, match="load it with load_base"):
        thin.generate(["the rain"])
    assert thin_base(str(save_base(tmp_path / "narrow", dtype=torch.bfloat16))).dtype == torch.bfloat16


def test_no_layer_of_a_thin_base_is_read_to_check_a_lora(thin, base, tmp_path):
    save_adapter(make_adapter("lora", base), tmp_path / "a", base, {})
    used = []
    handles = [
        layer.register_forward_pre_hook(lambda layer, _: used.append(layer))
        for layer in thin.model.modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    intake = Intake(thin, ThreadPoolExecutor(1).submit, 1 << 30)
    assert intake.take("a", tmp_path / "a").result(20).adapter.deltas()
    path = tmp_path / "a" / "adapter_model.safetensors"
    save_file({name: tensor * 1e9 for name, tensor in load_file(path).items()}, path)
    with pytest.raises(UserError, match="none may be beyond"):
        intake.take("a", tmp_path / "a").result(20)
    assert used == []
    for handle in handles:
        handle.remove()


def test_the_same_api_stands_in_front_of_them(servers, thin, base, tmp_path):
    prompt, head = make_adapter("prompt", base, name="support"), make_adapter("head", base, name="moods")
    for one in (prompt, head):
        save_adapter(one, tmp_path / one.name, base, {})
    engine = VllmEngine(thin, VllmSettings(vllm_url=[servers().url, servers().url], **QUICK))
    with served(thin, adapters_dir=tmp_path, engine=engine) as running:
        asked = {"prompt": "one two three", "max_tokens": 5, "temperature": 0}
        wanted = generate(base, [base.renderer(prompt).prompt([Turn("text", asked["prompt"])])], [prompt], SHORT)[0]
        said = running.post("/v1/completions", **{**asked, "model": "support"}).json["choices"][0]["text"]
        assert said == base.tokenizer.decode(wanted, skip_special_tokens=True)
        for path, more in (("/v1/embeddings", {}), ("/v1/classify", {"model": "moods"})):
            heard = running.post(path, input="one", **more)
            assert heard.status == 400
            assert "--backend local" in heard.message
