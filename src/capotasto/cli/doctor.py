"""`capo doctor`: this machine."""

from typing import Any

from capotasto.cli.options import Json
from capotasto.cli.terminal import facts, out, print_json
from capotasto.report import format

EXAMPLES = ("capo doctor", "capo doctor --json")


def command(json: Json = False) -> None:
    """Good to put into a bug report: it holds no names of yours and nothing leaves the machine."""
    from capotasto.base import machine

    found = machine.facts()
    if json:
        print_json(found)
    else:
        out.print(facts(_pairs(found)))


def _pairs(found: dict[str, Any]) -> list[tuple[str, str]]:
    devices = ", ".join(f"{one['name']}, {format.size(one['memory'])}" for one in found["devices"])
    return [
        ("System", found["system"]),
        ("Processor", found["processor"]),
        ("Cores", f"{found['cores']}, torch uses {found['threads']} threads"),
        ("Memory", format.size(found["memory"]) if found["memory"] else "not known"),
        ("GPUs", devices or "none"),
        ("Device used", found["device"]),
        (
            "Number format",
            f"{found['dtype']}; bf16 is {'native' if found['native_bf16'] else 'emulated, so slow'} here",
        ),
        ("Cache", f"{found['cache']}, {format.size(found['cache_size'])}, {format.size(found['free_disk'])} free"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items())),
    ]
