"""Clients that others wrote, unmodified: LangChain's ChatOpenAI, and lm-eval's `local-completions`.

OpenAI's own client is in test_completions.py, curl in test_page.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from capotasto.session import Base
from tests.serve.serving import Served
from tests.tiny import tiny_tokenizer

TASK = """
task: endings
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: gold
metric_list: [{{metric: acc}}]
"""
ROWS = [
    {"question": "one two three", "choices": ["four five", "sun"], "gold": 0},
    {"question": "north shore", "choices": ["rain", "six five four"], "gold": 1},
    {"question": "sun", "choices": ["one", "two three"], "gold": 0},
]


def address(server: Served) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


@pytest.mark.parametrize("name", ["memory", "support", "quotes"])
def test_langchain(server: Served, name: str):
    langchain = pytest.importorskip("langchain_openai")
    chat: Any = langchain.ChatOpenAI(base_url=address(server), api_key="none", model=name, temperature=0, max_tokens=6)
    wanted = server.post(
        "/v1/chat/completions",
        model=name,
        temperature=0,
        max_tokens=6,
        messages=[{"role": "user", "content": "one two"}],
    ).json["choices"][0]["message"]["content"]
    assert chat.invoke("one two").content == wanted
    assert "".join(str(piece.content) for piece in chat.stream("one two")) == wanted
    assert [one.content for one in chat.batch(["one two"] * 3)] == [wanted] * 3


def test_lm_eval_scores_an_adapter_as_this_package_does(server: Served, twin: Base, shelf: Path, tmp_path: Path):
    lm_eval = pytest.importorskip("lm_eval")
    from lm_eval.tasks import TaskManager

    from capotasto.session import load_adapter

    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "endings.yaml").write_text(TASK.format(file=tmp_path / "rows.jsonl"))
    tiny_tokenizer().save_pretrained(tmp_path / "tokenizer")
    found = lm_eval.simple_evaluate(
        model="local-completions",
        model_args={
            "base_url": f"{address(server)}/completions",
            "model": "support",
            "tokenizer": str(tmp_path / "tokenizer"),
            "tokenizer_backend": "huggingface",
            "num_concurrent": 2,
            "max_length": 128,
        },
        tasks=["endings"],
        task_manager=TaskManager(include_path=str(tmp_path), include_defaults=False),
        log_samples=True,
        bootstrap_iters=0,
    )
    adapter = load_adapter(shelf / "support", twin)
    for sample in found["samples"]["endings"]:
        row = sample["doc"]
        for choice, response in zip(row["choices"], sample["filtered_resps"], strict=True):
            assert float(response[0]) == pytest.approx(logprob(twin, adapter, row["question"], f" {choice}"), abs=1e-3)


def logprob(base: Base, adapter: Any, question: str, ending: str) -> float:
    """Nats of an ending behind a question, the plain way."""
    import torch

    from capotasto import forward
    from capotasto.types import Encoded

    context, whole = (
        base.tokenizer(text, add_special_tokens=False)["input_ids"] for text in (question, question + ending)
    )
    with torch.no_grad():
        hidden = forward.run(base, [Encoded(tuple(whole), (False,) * len(whole))], [adapter])
        before = torch.tensor([hidden.before(0, place) for place in range(len(context), len(whole))])
        chances = forward.logits(base, hidden.states[before], [adapter]).log_softmax(-1)
    return float(chances[range(len(whole) - len(context)), whole[len(context) :]].sum())
