import pytest
import torch

from capotasto.base.sanity import check, mean_loss
from capotasto.errors import BaseError
from tests.tiny import ARCHITECTURES, VOCABULARY, tiny_model, tiny_tokenizer


class Fluent:
    """A model that gives the token to come `certainty` more than the others."""

    def __init__(self, certainty: float):
        self.certainty = certainty

    def get_input_embeddings(self) -> torch.nn.Embedding:
        return torch.nn.Embedding(VOCABULARY, 4)

    def __call__(self, ids: torch.Tensor) -> torch.nn.Module:
        logits = self.certainty * torch.nn.functional.one_hot(ids.roll(-1, dims=1), VOCABULARY).float()
        return type("Output", (), {"logits": logits})


def test_a_fluent_model_passes() -> None:
    check(Fluent(10.0), tiny_tokenizer(), "here")
    assert mean_loss(Fluent(0.0), tiny_tokenizer()) == pytest.approx(torch.tensor(VOCABULARY).log().item(), rel=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_random_weights_are_refused(architecture: str) -> None:
    with pytest.raises(BaseError, match=r"here speaks nonsense"):
        check(tiny_model(architecture, torch.float32), tiny_tokenizer(), "here")


def test_not_a_number_is_refused() -> None:
    with pytest.raises(BaseError, match=r"nan nats per token"):
        check(Fluent(float("nan")), tiny_tokenizer(), "here")
