"""An adapter in the forms that other programs read: one file a form.

A target is a function `(base, adapter, folder)` that writes its files into an empty folder, or says in one line why it
cannot.
"""

from capotasto.registry import Table

TARGETS = Table(
    "target",
    {
        "vllm-embeds": "capotasto.exporting.vllm_embeds:write",
        "peft": "capotasto.exporting.peft_folder:write",
        "merged": "capotasto.merging:write_merged",
        "gguf-lora": "capotasto.exporting.gguf_lora:write",
    },
)
