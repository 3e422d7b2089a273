"""The two tasks of the classic recipe, trained together over one base, then asked side by side in one mixed batch.

python classic.py --role-prompts prompts.csv --quotes quotes.jsonl --base bloomz-560m --out adapters
"""

import argparse
from pathlib import Path

import yaml

import capotasto as capo
from capotasto.errors import UserError

HERE = Path(__file__).parent
OPENINGS = ("I want you to act as a motivational coach. ", "There are two nice things that should matter to you:")


def settings(task: str, **changed: object) -> capo.TuneSettings:
    """The settings of a task's YAML file; where the data lie and which base it is, this script is told."""
    values = yaml.safe_load((HERE / f"{task}.yaml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in values.items() if key not in ("data", "base", "out")}
    return capo.TuneSettings.build({**kept, **changed}, where=f"{task}.yaml")


def answers(base: capo.Base, opening: str, names: list[str], new_tokens: int) -> dict[str, str]:
    """The opening continued by the bare base and by each adapter, in one batch."""
    texts = base.generate(
        [opening] * (1 + len(names)),
        adapters=[None, *names],
        chat=False,
        max_new_tokens=new_tokens,
        repetition_penalty=1.5,
    )
    return dict(zip(["base", *names], texts, strict=True))


def main() -> None:
    """Train both, say how good they are, and let them continue the same openings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role-prompts", required=True, help="CSV with the columns act and prompt")
    parser.add_argument("--quotes", required=True, help="JSON lines")
    parser.add_argument("--quote-column", default="quote", help="the key of a quote: quote or text")
    parser.add_argument("--base", default="bloomz-560m")
    parser.add_argument("--out", type=Path, default=Path("adapters"))
    parser.add_argument("--new-tokens", type=int, default=100)
    options = parser.parse_args()
    base = capo.load_base(options.base)
    work = {
        options.out / "role_prompts": (options.role_prompts, settings("role_prompts")),
        options.out / "quotes": (options.quotes, settings("quotes", map={"text": options.quote_column})),
    }
    runs = capo.tune_many(base, work)
    for run in runs:
        print(f"{run.adapter.name}: {run.verdict}\n")
    for opening in OPENINGS:
        print(opening)
        for name, text in answers(base, opening, [run.adapter.name for run in runs], options.new_tokens).items():
            print(f"  {name:12} {text.strip()}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(f"classic.py: {error}") from None
