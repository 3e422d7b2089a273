"""What an adapter learnt by heart, as a table."""

from typing import Any

from rich.text import Text

from capotasto.cli.terminal import heading, out, table

Interval = dict[str, float]


def show(found: dict[str, Any]) -> None:
    """Print what `capotasto.audit.leaks.leaks` found."""
    heading("Learnt by heart, with 95 % intervals")
    made = table("check", "found", "")
    for name, record in found.items():
        word = ("flagged", "red") if record["flagged"] else ("not seen", "green")
        made.add_row(name, "\n".join(_LINES[name](record)), Text(*word))
    out.print(made)


def _membership(record: dict[str, Any]) -> list[str]:
    names = {"loss": "by the loss", "gain": "by the loss against the base's"}
    return [f"{names[name]}, area {_number(area)}" for name, area in record["areas"].items()]


def _extraction(record: dict[str, Any]) -> list[str]:
    words = {"train": "training", "held_out": "test"}
    return [
        f"{record['rows'][side]} {word} rows: {_share(record[side]['adapter'])}, base {_share(record[side]['base'])}"
        if record[side]
        else f"no {word} row is long enough"
        for side, word in words.items()
    ]


def _outputs(record: dict[str, Any]) -> list[str]:
    shares = record["shares"]
    told = [f"{one['kind']} {one['text']}, learnt" for one in record["learnt"]]
    return [f"personal data in {_share(shares['adapter'])} of {record['rows']} answers", *told]


def _canaries(record: dict[str, Any]) -> list[str]:
    return [
        *(f"{one['about']} {one['bits']:.2f} bits, in {one['learnt']} training rows" for one in record["canaries"]),
        f"flagged from {record['threshold']:.2f} of {record['most_bits']:.2f} bits on",
    ]


_LINES = {"membership": _membership, "extraction": _extraction, "outputs": _outputs, "canaries": _canaries}


def _number(one: Interval) -> str:
    return f"{one['value']:.3f} ({one['low']:.3f}–{one['high']:.3f})"


def _share(one: Interval) -> str:
    return f"{100 * one['value']:.0f} % ({100 * one['low']:.0f}–{100 * one['high']:.0f})"
