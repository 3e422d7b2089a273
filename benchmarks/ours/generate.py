"""Serving with Capotasto: 8 requests of 8 tasks in one mixed batch, and each alone, which must write the same."""

import json
from pathlib import Path

from benchmarks.common import arguments, peaks, report, timed
from benchmarks.ours.common import load
from benchmarks.ours.server import prompts
from benchmarks.serving import NEW_TOKENS, TASKS, rates, requests
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.types import Encoded


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--new-tokens", type=int, default=NEW_TOKENS)
    parser.add_argument("--ids", type=Path, help="JSON file for the generated ids")
    options = parser.parse_args()

    base = load(options)
    adapters = prompts(base, options.seed)
    rows = [Encoded(tuple(ids), (False,) * len(ids)) for ids in requests(base.tokenizer)]
    settings = GenerateSettings(max_new_tokens=options.new_tokens)
    generate(base, rows[:1], adapters[:1], GenerateSettings(max_new_tokens=2))  # first use stays outside

    mixed, mixed_seconds = timed(lambda: generate(base, rows, adapters, settings), base.device)
    single, single_seconds = timed(lambda: generate(base, rows, adapters[:1] * TASKS, settings), base.device)
    alone = [generate(base, [row], [adapter], settings)[0] for row, adapter in zip(rows, adapters, strict=True)]
    if options.ids:
        options.ids.write_text(json.dumps({"mixed": mixed, "single": single}), encoding="utf-8")
    report(
        base.device,
        base.dtype,
        **rates(mixed_seconds, single_seconds, options.new_tokens),
        rows_equal_to_alone=sum(one == other for one, other in zip(mixed, alone, strict=True)),
        **peaks(base.device),
    )


if __name__ == "__main__":
    main()
