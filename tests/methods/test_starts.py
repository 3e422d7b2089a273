"""Where an adapter starts: the base itself, the words it was given, or the soft prompt it grew from."""

import pytest
import torch

from capotasto.errors import UserError
from capotasto.methods import METHODS
from capotasto.methods.prompt import PromptAdapter
from capotasto.objectives import row_losses
from capotasto.promotion import promote
from tests.making import LABELS, logits_of, make_adapter, make_base, make_fresh, make_rows
from tests.refusing import refused

ARCHITECTURES = ("llama", "gpt2", "bloom", "opt", "gemma", "gemma2")
IDENTITIES = {
    "lora": {},
    "lora with lengths": {"dora": True},
    "bottleneck": {"sites": "houlsby"},
    "gated": {},
    "full": {},
    "peft": {},
}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def base(request):
    return make_base(request.param)


@pytest.mark.parametrize("kind", IDENTITIES)
def test_what_changes_layers_starts_as_the_base(base, kind):
    """A full copy whose norms learn takes them in fp32, as its architecture does."""
    adapter = make_fresh(kind.split()[0], base, **IDENTITIES[kind])
    rows = make_rows(base, 4)
    for found, bare in zip(logits_of(base, rows, [adapter] * 4), logits_of(base, rows, [None] * 4), strict=True):
        torch.testing.assert_close(found, bare, rtol=0, atol=1e-5 if kind == "full" else 1e-9)


@pytest.mark.parametrize("method", ["prompt", "ptuning", "residual", "prefix"])
def test_what_starts_from_a_text_reads_like_that_text(base, method):
    """The virtual tokens of a text give the logits of the text as tokens before the row."""
    text = "the rain in the north"
    ids = base.tokenizer(text, add_special_tokens=False)["input_ids"]
    adapter = make_fresh(method, base, size=len(ids), init=f"text:{text}")
    row = make_rows(base, 1)[0]
    longer = type(row)((*ids, *row.ids), (False,) * (len(ids) + len(row.ids)))
    found, wanted = logits_of(base, [row], [adapter])[0], logits_of(base, [longer], [None])[0]
    torch.testing.assert_close(found[-len(row.ids) :], wanted[-len(row.ids) :], rtol=0, atol=1e-6)


def test_a_prefix_behind_a_network_starts_as_the_prefix_itself(base):
    plain, projected = (make_fresh("prefix", base, init="text:the rain", prefix_projection=on) for on in (False, True))
    assert torch.equal(plain.kv(), projected.kv())
    assert projected.beside()
    assert not plain.beside()


def test_a_prompt_becomes_a_prefix_that_does_the_same_and_learns_on(base):
    prompt = make_adapter("prompt", base)
    prefix = promote(base, prompt, frozen=1)
    rows = make_rows(base, 3)
    for found, wanted in zip(logits_of(base, rows, [prefix] * 3), logits_of(base, rows, [prompt] * 3), strict=True):
        torch.testing.assert_close(found, wanted[-len(found) :], rtol=0, atol=1e-5)
    assert prefix.size() == 4 * base.layers * 2 * base.kv_heads * base.head_size, "the first of five tokens is frozen"


def test_what_has_no_virtual_tokens_at_the_front_cannot_become_a_prefix(base):
    with pytest.raises(UserError, match="cannot become a prefix"):
        promote(base, make_adapter("lora", base))
    behind = PromptAdapter(torch.ones(2, base.embedding_size), name="b", fingerprint="", placement="after_bos")
    with pytest.raises(UserError, match="cannot become a prefix"):
        promote(base, behind)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"method": "lora", "targets": "q_prj"}, ["q_prj", "q_proj", "known:", "down_proj"]),
        ({"method": "lora", "rank": 10_000}, ["rank 10000", "--rank"]),
        ({"method": "lora", "layers": "5-9"}, ["layers '5-9'", "0-1"]),
        ({"method": "lora", "layers": "x"}, ["layers 'x'", "15-29"]),
        ({"method": "prefix", "layers": "5-9", "init": "text:rain"}, ["layers '5-9'", "0-1"]),
        ({"method": "gated", "layers": "5-9"}, ["layers '5-9'", "0-1"]),
        ({"method": "prefix", "layers": "1", "init": "random"}, ["--init random", "noise", "--layers", "text:"]),
        ({"method": "full", "trainable": "last:9"}, ["last:9", "from 1 to 2"]),
        ({"method": "full", "trainable": "nothing here"}, ["matches no parameter", "one of them is called"]),
        ({"method": "full", "trainable": "("}, ["no regular expression"]),
        ({"method": "bottleneck", "layers": "5-9"}, ["layers '5-9'", "0-1"]),
        ({"method": "bottleneck", "reduction": 1000}, ["leaves nothing of 32", "--reduction"]),
        ({"method": "peft:ia33"}, ["peft:ia33", "peft:ia3"]),
        ({"method": "prompt+full"}, ["full", "cannot be combined"]),
        ({"method": "prefix", "init": "zero"}, ["'zero'", "gated"]),
        ({"method": "lorra"}, ["lorra", "lora"]),
        ({"method": "head+head"}, ["names a method twice"]),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given, words):
    base = make_base("llama", torch.float32)
    with refused(*words):
        make_fresh(given.pop("method"), base, **given)


def test_learned_biases_start_as_the_base_has_them():
    base = make_base("gpt2")
    adapter, rows = make_fresh("lora", base, bias="all", layers="0"), make_rows(base, 3)
    assert len(adapter.biases) == sum(name.endswith(".bias") for name, _ in base.model.named_parameters())
    for found, bare in zip(logits_of(base, rows, [adapter] * 3), logits_of(base, rows, [None] * 3), strict=True):
        torch.testing.assert_close(found, bare, rtol=0, atol=1e-9)


def test_a_head_without_labels_is_refused():
    base = make_base("llama", torch.float32)
    with pytest.raises(UserError, match="--map label=COLUMN"):
        METHODS["head"].fresh(base, None, [], 0)
    assert make_fresh("head", base).classes() == LABELS


def test_a_gate_lets_in_no_more_than_it_is_open(base):
    """Closed it gives the base, whatever stands behind it, and learns to open all the same."""
    adapter, row = make_adapter("gated", base), make_rows(base, 1)[0]
    bare = logits_of(base, [row], [None])[0]
    with torch.no_grad():
        adapter.gates.zero_()
        adapter.cache.mul_(100)
    torch.testing.assert_close(logits_of(base, [row], [adapter])[0], bare, rtol=0, atol=0)
    row_losses(base, [row], [adapter])[0].sum().backward()
    assert bool((adapter.gates.grad != 0).any())
    with torch.no_grad():
        adapter.gates.fill_(0.5)
    assert not torch.allclose(logits_of(base, [row], [adapter])[0], bare, atol=1e-3)
