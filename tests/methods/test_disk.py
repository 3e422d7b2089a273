"""Every method comes back from its folder as it went in, here and in PEFT, and what PEFT trained goes on here."""

import copy

import peft
import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from capotasto.artifact import load_adapter, save_adapter
from capotasto.errors import UserError
from capotasto.methods import METHODS
from capotasto.types import Encoded
from tests.making import logits_of, make_adapter, make_rows, read_base
from tests.tiny import save_base

EVERY = [*METHODS, "prompt+lora", "prefix+bottleneck", "lora+head", "gated+lora"]
IN_PEFT = {
    "prompt": {},
    "ptuning": {},
    "residual": {},
    "prefix": {},
    "prefix with a frozen start": {"init": "text:the rain in the north", "frozen_tokens": 2},
    "prefix behind a network": {"prefix_projection": True},
    "prefix of one layer": {"init": "text:the rain in the north", "layers": "1"},
    "prefix of one layer without frozen tokens": {"init": "text:the rain", "layers": "0", "frozen_tokens": 0},
    "lora": {},
    "lora of one layer": {"layers": "1"},
    "lora with rank-stabilised scale": {"rslora": True},
    "lora with lengths": {"dora": True},
}
BIASED = {"biases of its targets": {"bias": "lora_only"}, "all biases": {"bias": "all", "layers": "1", "dora": True}}
IDS = (7, 30, 41, 5, 60)


@pytest.fixture(scope="module", params=["llama", "gpt2", "bloom", "gemma"])
def base(request, tmp_path_factory):
    return read_base(save_base(tmp_path_factory.mktemp("model"), request.param))


def plain(base):
    return AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)


def ours(base, adapter):
    return logits_of(base, [Encoded(IDS, (False,) * len(IDS))], [adapter])[0][-len(IDS) :]


@pytest.mark.parametrize("method", EVERY)
def test_a_folder_gives_back_the_same_adapter(base, tmp_path, method):
    adapter = make_adapter(method, base)
    save_adapter(adapter, tmp_path, base, {})
    again = load_adapter(tmp_path, base)
    assert (again.name, again.method, again.tokens) == (adapter.name, adapter.method, adapter.tokens)
    assert again.classes() == adapter.classes()
    rows = make_rows(base, 3)
    for found, wanted in zip(logits_of(base, rows, [again] * 3), logits_of(base, rows, [adapter] * 3), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    if (head := adapter.head()) is not None:
        x = torch.randn(2, base.config.hidden_size)
        torch.testing.assert_close(again.head()(x), head(x))


@pytest.mark.parametrize("kind", IN_PEFT)
def test_peft_reads_it_with_the_same_logits(base, tmp_path, kind):
    adapter = make_adapter(kind.split()[0], base, **IN_PEFT[kind])
    save_adapter(adapter, tmp_path, base, {})
    theirs = peft.PeftModel.from_pretrained(plain(base), tmp_path)
    if not adapter.tokens:
        assert any(isinstance(module, BaseTunerLayer) for module in theirs.modules())
    with torch.no_grad():
        wanted = theirs(torch.tensor([IDS])).logits[0][-len(IDS) :]
    torch.testing.assert_close(ours(base, adapter), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("frozen", "kind"), [(0, "PREFIX_TUNING"), (2, "CARTRIDGE")])
def test_frozen_tokens_stay_frozen_in_peft_and_back(base, tmp_path, frozen, kind):
    adapter = make_adapter("prefix", base, init="text:the rain", frozen_tokens=frozen)
    save_adapter(adapter, tmp_path / "ours", base, {})
    theirs = peft.PeftModel.from_pretrained(plain(base), tmp_path / "ours")
    assert theirs.peft_config["default"].peft_type == kind
    assert getattr(theirs.peft_config["default"], "num_frozen_tokens", 0) == frozen
    theirs.save_pretrained(tmp_path / "theirs")
    again = load_adapter(tmp_path / "theirs", base)
    assert again.frozen == frozen
    assert torch.equal(again.kv(), adapter.kv())


def test_a_prefix_goes_on_with_its_network(base, tmp_path):
    adapter = make_adapter("prefix", base, prefix_projection=True)
    save_adapter(adapter, tmp_path, base, {})
    again = load_adapter(tmp_path, base)
    for one, other in zip(again.parameters(), adapter.parameters(), strict=True):
        assert torch.equal(one, other)
    (tmp_path / "training.safetensors").unlink()
    alone = load_adapter(tmp_path, base)
    torch.testing.assert_close(alone.kv(), adapter.kv(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", BIASED)
def test_peft_reads_and_writes_learned_biases(base, tmp_path, kind):
    if not any(name.endswith(".bias") for name, _ in base.model.named_parameters()):
        with pytest.raises(UserError, match="leave --bias out"):
            make_adapter("lora", base, **BIASED[kind])
        return
    adapter = make_adapter("lora", base, **BIASED[kind])
    save_adapter(adapter, tmp_path / "ours", base, {})
    theirs = peft.PeftModel.from_pretrained(plain(base), tmp_path / "ours")
    with torch.no_grad():
        wanted = theirs(torch.tensor([IDS])).logits[0]
    torch.testing.assert_close(ours(base, adapter), wanted, rtol=1e-4, atol=1e-4)
    theirs.save_pretrained(tmp_path / "theirs")
    again = load_adapter(tmp_path / "theirs", base)
    torch.testing.assert_close(ours(base, again), wanted, rtol=1e-4, atol=1e-4)
    assert again.size() == adapter.size(), "as many biases"


def test_a_bias_that_the_base_does_not_have_is_refused(base, tmp_path):
    save_adapter(make_adapter("lora", base), tmp_path, base, {})
    path = tmp_path / "adapter_model.safetensors"
    save_file({**load_file(path), "base_model.model.nowhere.base_layer.bias": torch.ones(3)}, path)
    with pytest.raises(UserError, match=r"has a bias for nowhere, where .* can learn none; choose its base"):
        load_adapter(tmp_path, base)


def test_full_is_an_ordinary_model_folder(base, tmp_path):
    adapter = make_adapter("full", base)
    save_adapter(adapter, tmp_path, base, {})
    with torch.no_grad():
        wanted = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)(torch.tensor([IDS])).logits[0]
    torch.testing.assert_close(ours(base, adapter), wanted, rtol=1e-4, atol=1e-4)


CONFIGS = {
    "prompt": peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    "p-tuning": peft.PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=3, encoder_hidden_size=32),
    "prefix": peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3),
    "prefix behind a network": peft.PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=8
    ),
    "cartridge": peft.CartridgeConfig(task_type="CAUSAL_LM", num_virtual_tokens=3, num_frozen_tokens=1),
    "lora": peft.LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear", init_lora_weights=False),
    "dora": peft.LoraConfig(
        task_type="CAUSAL_LM", r=4, target_modules="all-linear", use_dora=True, init_lora_weights=False
    ),
    "ia3": peft.IA3Config(
        task_type="CAUSAL_LM", target_modules="all-linear", feedforward_modules=[], init_ia3_weights=False
    ),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_what_peft_made_is_read_with_the_same_logits_and_can_learn(base, tmp_path, kind):
    torch.manual_seed(3)
    theirs = peft.get_peft_model(plain(base), copy.deepcopy(CONFIGS[kind])).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape)
        wanted = theirs(torch.tensor([IDS])).logits[0][-len(IDS) :]
    theirs.save_pretrained(tmp_path)
    adapter = load_adapter(tmp_path, base, "theirs")
    torch.testing.assert_close(ours(base, adapter), wanted, rtol=1e-4, atol=1e-4)
    assert adapter.size() > 0
