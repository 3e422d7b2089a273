"""Virtual tokens as input embeddings, which a client sends to vLLM before the embeddings of its text.

Source: https://docs.vllm.ai/en/latest/features/prompt_embeds.html
"""

import shutil
from pathlib import Path

from capotasto.artifact import write_tensors
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.exporting import prompt_embeds
from capotasto.exporting.contents import VIRTUAL_TOKENS, contents, described
from capotasto.methods.adapter import Adapter
from capotasto.records import write_json, write_text
from capotasto.tokens.render import Renderer

_README = """# {name}: {tokens} virtual tokens for {base}

`{weights}` holds the vectors, `{papers}` says where they stand in a prompt, and
`{program}` makes `prompt_embeds` of both: the whole prompt in its chat template as input embeddings, the vectors
among them. It needs torch, transformers and safetensors. The server must serve the base the vectors were trained on:

```text
vllm serve {folder} --served-model-name base --enable-prompt-embeds
python {program} http://127.0.0.1:8000 base "My parcel is late."
```

In Python, what is sent to `/v1/completions`:

```python
from prompt_embeds import encoded, papers, row

body = {{"model": "base", "prompt_embeds": encoded(row("My parcel is late.")), "stop_token_ids": papers()["stops"]}}
```
"""


def write(base: FrozenBase, adapter: Adapter, folder: Path) -> None:
    """The vectors, a program that builds `prompt_embeds` from a text, and a page that says how.

    Errors: an adapter that is anything else than virtual tokens, a base that writes nothing.
    """
    vectors = adapter.embeds()
    if vectors is None or contents(adapter) != [VIRTUAL_TOKENS]:
        raise AdapterError(
            f"{described(adapter)}: vllm-embeds takes virtual tokens and nothing else; a plain lora goes to vLLM as it"
            " is (--to peft), anything else stays with Capotasto"
        )
    if base.is_encoder:
        raise AdapterError(f"{adapter.name!r} belongs to {base.name}, an encoder, which writes nothing in vLLM either")
    where = str(base.folder or base.name)
    program = Path(prompt_embeds.__file__)
    write_tensors(folder / prompt_embeds.WEIGHTS, {prompt_embeds.KEY: vectors})
    papers = {
        "name": adapter.name,
        "base": where,
        "fingerprint": adapter.fingerprint,
        "placement": adapter.placement,
        "dialogue": adapter.dialogue,
        "stops": Renderer(base.tokenizer).stops,
    }
    write_json(folder / prompt_embeds.PAPERS, papers)
    shutil.copyfile(program, folder / program.name)
    facts = {"name": adapter.name, "tokens": len(vectors), "base": base.name, "folder": where, "program": program.name}
    text = _README.format(**facts, weights=prompt_embeds.WEIGHTS, papers=prompt_embeds.PAPERS)
    write_text(folder / "README.md", text)
