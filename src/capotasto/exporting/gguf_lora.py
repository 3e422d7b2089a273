"""A LoRA as a GGUF adapter, which llama.cpp puts over a GGUF file of the base (`llama-cli --lora`).

Names and orientation are those of llama.cpp's convert_lora_to_gguf.py
(https://github.com/ggml-org/llama.cpp/blob/master/convert_lora_to_gguf.py).
"""

from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.exporting.contents import described
from capotasto.methods.adapter import Adapter
from capotasto.methods.lora import LoraAdapter

FILE = "adapter.gguf"
# transformers' model type → llama.cpp's architecture. Others keep their layers in another order there.
_ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "gemma": gguf.MODEL_ARCH.GEMMA,
    "gemma2": gguf.MODEL_ARCH.GEMMA2,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "gpt2": gguf.MODEL_ARCH.GPT2,
}


def write(base: FrozenBase, adapter: Adapter, folder: Path) -> None:
    """`adapter.gguf` in fp32. Errors: no plain LoRA, or a base whose layers llama.cpp keeps in another order."""
    lora = _plain(adapter)
    kind = str(base.config.model_type)
    if kind not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise AdapterError(
            f"{adapter.name!r} changes a base of the type {kind}, for which no GGUF adapter is written"
            f" (known: {known}); merge it with --to merged, and convert that folder with llama.cpp"
        )
    architecture = _ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(folder / FILE, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(adapter.name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, lora.scale * lora.rank)  # llama.cpp divides by the rank
    rows = partial(_interleaved, base) if architecture == gguf.MODEL_ARCH.LLAMA else _as_they_are
    names = gguf.get_tensor_name_map(architecture, base.layers)
    for layer, (down, up) in lora.factors().items():
        name = names.get_name(layer)
        if name is None:
            raise AdapterError(f"{adapter.name!r} changes {layer}, which has no name in GGUF; merge it: --to merged")
        writer.add_tensor(f"{name}.weight.lora_a", _array(down))
        writer.add_tensor(f"{name}.weight.lora_b", _array(rows(name, up)))
    _close(writer)


def _plain(adapter: Adapter) -> LoraAdapter:
    """Errors: what a GGUF adapter has no slot for."""
    if not isinstance(adapter, LoraAdapter):
        raise AdapterError(
            f"{described(adapter)}: a GGUF adapter holds low-rank changes of layers and has no slot for anything else;"
            " export a lora, or serve it with Capotasto or vLLM"
        )
    if adapter.length is not None:
        raise AdapterError(f"{adapter.name!r} is a DoRA, and GGUF keeps no lengths; merge it: --to merged")
    if len(adapter.biases):
        raise AdapterError(f"{adapter.name!r} learnt biases, for which GGUF adapters have no slot: use --to merged")
    return adapter


def _as_they_are(name: str, up: Tensor) -> Tensor:
    return up


def _interleaved(base: FrozenBase, name: str, up: Tensor) -> Tensor:
    """[out, rank] → [out, rank]: llama.cpp keeps a Llama's two halves of a rotated head interleaved."""
    heads = {"attn_q": int(base.config.num_attention_heads), "attn_k": base.kv_heads}.get(name.rsplit(".", 1)[-1])
    if heads is None:
        return up
    return up.view(heads, 2, -1, up.shape[1]).transpose(1, 2).reshape(up.shape)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().contiguous().numpy()


def _close(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
