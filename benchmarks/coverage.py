"""`python -m benchmarks.coverage`: how often intervals of a difference hold the truth, where two systems are the same.

Pairs of systems of equal quality answer the same rows; hard rows are hard for both. A 95 % interval of their difference
must hold zero 95 times in 100, and a page that compares eleven contenders with the base must mark none of equal quality
95 times in 100. Writes benchmarks/results/coverage-cpu.md; takes half a minute of one core.
"""

import platform
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import NormalDist

import numpy as np

from capotasto.evaluate import paired
from capotasto.evaluate.bootstrap import RESAMPLES, resamples

ROWS = (30, 100, 400)
PAIRS = 2000  # a share of 95 % is then known to 0.5 points (one standard error)
FAMILIES = 400
CONTENDERS = 12
RESULT = Path(__file__).parent / "results" / "coverage-cpu.md"
NORMAL = NormalDist()

Systems = np.ndarray  # [S, N] what each of S systems of equal quality earned on each row
Drawn = Callable[[np.random.Generator, int, int], np.ndarray]


def alike(random: np.random.Generator, systems: int, rows: int) -> Systems:
    """Right or wrong; most rows are decided by how hard they are, so that few divide the systems."""
    return (random.random((systems, rows)) < random.beta(0.3, 0.15, rows)).astype(float)


def apart(random: np.random.Generator, systems: int, rows: int) -> Systems:
    """Right or wrong, 70 % of the time, each system for itself."""
    return (random.random((systems, rows)) < 0.7).astype(float)


def smooth(random: np.random.Generator, systems: int, rows: int) -> Systems:
    """A number per row: its difficulty and normal noise."""
    return random.normal(0, 1, rows) + random.normal(0, 1, (systems, rows))


def skewed(random: np.random.Generator, systems: int, rows: int) -> Systems:
    """A number per row with a long tail, as losses have."""
    return random.gamma(1, 1, rows) + random.gamma(1, 1, (systems, rows))


def uneven(random: np.random.Generator, systems: int, rows: int) -> Systems:
    """The same where systems differ the more, the harder a row is: the hardest few outweigh all others."""
    return random.gamma(1, 1, rows) * random.gamma(2, 1, (systems, rows))


KINDS: dict[str, Drawn] = {
    "right or wrong, few rows divide them": alike,
    "right or wrong, independent": apart,
    "numbers, normal": smooth,
    "numbers, long tail": skewed,
    "numbers, few rows outweigh the others": uneven,
}


def percentile(gaps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[S, N] and [S, R] → [S] whether the plain percentile interval holds zero."""
    low, high = np.quantile(values[:, 1:], [0.025, 0.975], axis=1)
    return (low <= 0) & (high >= 0)


def bca(gaps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The same for the bias-corrected and accelerated one (Efron 1987), by the jackknife of a mean."""
    found = []
    for own, boot in zip(gaps, values, strict=True):
        centred = own - own.mean()
        scale = (centred**2).sum() ** 1.5
        acceleration = (centred**3).sum() / (6 * scale) if scale else 0.0
        below = ((boot[1:] < boot[0]).mean() + (boot[1:] <= boot[0]).mean()) / 2
        bias = NORMAL.inv_cdf(min(max(below, 1e-4), 1 - 1e-4))
        ends = [bias + NORMAL.inv_cdf(share) for share in (0.025, 0.975)]
        low, high = np.quantile(boot[1:], [NORMAL.cdf(bias + end / (1 - acceleration * end)) for end in ends])
        found.append(low <= 0 <= high)
    return np.array(found)


def expanded(gaps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The same for the interval that comparisons use."""
    contrasts = paired.against(values, np.zeros(values.shape[1]), gaps.shape[1])
    return np.array([not one.is_clear for one in contrasts])


INTERVALS = {"percentile": percentile, "BCa": bca, "percentile, expanded (used)": expanded}


def coverage(kind: Drawn, rows: int) -> list[float]:
    """The share of pairs whose interval holds zero, for each interval."""
    random = np.random.default_rng([rows, list(KINDS.values()).index(kind)])
    gaps = np.array([np.subtract(*kind(random, 2, rows)) for _ in range(PAIRS)])
    values = gaps @ resamples(rows).T / rows
    return [float(holds(gaps, values).mean()) for holds in INTERVALS.values()]


def families(kind: Drawn, rows: int) -> tuple[float, float]:
    """Shares of families of equals in which nobody is marked as different from the base, and in which a given one of
    the equally good stays among those that may be the best."""
    random = np.random.default_rng([rows, 7])
    weights = resamples(rows)
    unmarked = kept = 0
    for _ in range(FAMILIES):
        values = kind(random, CONTENDERS, rows) @ weights.T / rows
        p = paired.holm(np.array([one.p for one in paired.against(values[1:], values[0], rows)]))
        unmarked += bool((p >= paired.LEVEL).all())
        kept += not paired.against_best(values, int(values[:, 0].argmax()), rows)[0].is_clear
    return unmarked / FAMILIES, kept / FAMILIES


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first two columns to the left."""
    lines = [head, ["---", "---:", *["---:"] * (len(head) - 2)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def main() -> None:
    began = time.perf_counter()
    cells = [(name, kind, rows) for name, kind in KINDS.items() for rows in ROWS]
    pairs = [[name, str(rows), *map(percent, coverage(kind, rows))] for name, kind, rows in cells]
    many = [[name, str(rows), *map(percent, families(kind, rows))] for name, kind, rows in cells]
    RESULT.write_text(
        f"# Coverage of the intervals of a difference\n\n"
        f"{PAIRS:,} pairs of systems of equal quality in each line, {RESAMPLES:,} resamples; shares of 95 % intervals"
        f" that hold zero.\nOne standard error is 0.5 points.\n\n"
        f"{table(['rows', 'how many', *INTERVALS], pairs)}\n"
        f"{FAMILIES} families of {CONTENDERS} systems of equal quality in each line: how often no system is marked as"
        f" different from the\nfirst (Holm), and how often one of the equally good stays among those that may be the"
        f" best. One standard error is\n1.1 points.\n\n"
        f"{table(['rows', 'how many', 'nobody is marked', 'may be the best'], many)}\n"
        f"- date: {date.today()}\n"
        f"- seconds: {time.perf_counter() - began:.0f}\n"
        f"- versions: python {platform.python_version()}, numpy {np.__version__}\n",
        encoding="utf-8",
    )
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
