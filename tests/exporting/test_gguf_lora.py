"""A LoRA in GGUF: read back, it adds to a GGUF base what it adds here, in llama.cpp's order of rows."""

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, GgufConfig

import capotasto as capo
from capotasto.errors import UserError
from capotasto.methods.linears import weight_of
from tests.base.test_gguf import tensors as llama_names
from tests.base.test_gguf import write as write_base
from tests.making import make_adapter


def read(path):
    """(fields, tensor name → tensor) of a GGUF file."""
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    return fields, {one.name: torch.tensor(one.data) for one in reader.tensors}


def products(fields, found):
    """Tensor name of the base → what llama.cpp adds to it [out, in]."""
    names = {name.rsplit(".lora_", 1)[0] for name in found}
    alpha = fields["adapter.lora.alpha"]
    pairs = {name: (found[f"{name}.lora_a"], found[f"{name}.lora_b"]) for name in names}
    return {name: alpha / len(down) * up @ down for name, (down, up) in pairs.items()}


def wanted(base, adapter):
    """Layer → what the adapter adds to its weight [out, in]."""
    found = {}
    for name, delta in adapter.deltas().items():
        weight = weight_of(base.model.get_submodule(name))
        eye = torch.eye(weight.shape[1])
        found[name] = delta(eye, torch.zeros(len(eye), len(weight))).T.detach()
    return found


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma", "gemma2", "gemma3", "gpt2"])
@pytest.mark.parametrize("settings", [{}, {"rslora": True, "alpha": 12.0, "layers": "1"}])
def test_its_products_are_the_changes(bases, tmp_path, architecture, settings):
    base = bases(architecture)
    adapter = make_adapter("lora", base, size=3, targets="all-linear", **settings)
    fields, found = read(capo.export(base, adapter, "gguf-lora", tmp_path / "out") / "adapter.gguf")
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    assert fields["general.architecture"] == architecture
    changes, ours = products(fields, found), wanted(base, adapter)
    assert len(changes) == len(ours)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], base.layers)
    for layer, change in ours.items():
        name = names.get_name(layer)
        theirs = changes[f"{name}.weight"]
        if architecture == "llama" and name.endswith(("attn_q", "attn_k")):
            assert not torch.allclose(theirs, change, atol=1e-4), "the rows of rotated heads are interleaved"
            theirs, change = theirs.sort(0).values, change.sort(0).values
        torch.testing.assert_close(theirs, change, rtol=1e-4, atol=1e-5)


def test_a_llama_read_from_gguf_with_the_change_is_the_merged_one(bases, tmp_path):
    """The independent reader: transformers undoes llama.cpp's order of rows when it reads a GGUF base."""
    base = bases("llama")
    adapter = make_adapter("lora", base, size=3, targets="all-linear")
    changes = products(*read(capo.export(base, adapter, "gguf-lora", tmp_path / "out") / "adapter.gguf"))

    def weights(folder, added):
        """The linear weights that transformers reads from a GGUF base, to whose tensors something is added."""
        folder.mkdir()
        path = write_base(folder / "model.gguf", torch.float32)
        reader = gguf.GGUFReader(path, "r+")
        assert set(added) <= {one.name for one in reader.tensors} == set(llama_names(base.model))
        for one in reader.tensors:
            if one.name in added:
                one.data[:] = one.data + added[one.name].numpy()
        reader.data.flush()
        options = {"gguf_file": path.name, "quantization_config": GgufConfig(dequantize=True), "dtype": torch.float32}
        return AutoModelForCausalLM.from_pretrained(folder, **options).state_dict()

    before, after = weights(tmp_path / "bare", {}), weights(tmp_path / "changed", changes)
    for layer, change in wanted(base, adapter).items():
        name = f"{layer}.weight"
        torch.testing.assert_close(after[name] - before[name], change, rtol=1e-3, atol=1e-5)


def test_a_base_that_llama_cpp_keeps_otherwise_is_refused(bases, tmp_path):
    base = bases("bloom")
    with pytest.raises(UserError, match="base of the type bloom, for which no GGUF adapter is written") as caught:
        capo.export(base, make_adapter("lora", base), "gguf-lora", tmp_path / "out")
    assert "--to merged" in str(caught.value)
