"""The server with the real default base. Fetched into the user's own cache, so that it is fetched once."""

import pytest

from capotasto.session import load_base
from tests.serve.serving import served

pytestmark = pytest.mark.real


def test_the_real_base_answers_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPO_HOME")
    with served(load_base("smollm2-135m", dtype="fp32")) as running:
        asked = {"prompt": "The capital of France is", "max_tokens": 1, "temperature": 0, "logprobs": 1}
        choice = running.post("/v1/completions", **asked).json["choices"][0]
        assert choice["text"] == " Paris"
        assert -1.5 < choice["logprobs"]["token_logprobs"][0] < 0
        texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose in March."]
        one, near, far = (line["embedding"] for line in running.post("/v1/embeddings", input=texts).json["data"])
        assert sum(map(float.__mul__, one, near)) > sum(map(float.__mul__, one, far))
