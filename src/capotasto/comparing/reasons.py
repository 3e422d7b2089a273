"""What speaks for a choice and against it, a sentence or two each; only what numbers or the user's answers support."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from capotasto.comparing.case import Case, is_trained
from capotasto.report import format
from capotasto.report.compare import BASE
from capotasto.report.run import Interval

FEW_ROWS = 100  # training rows; below, guides advise examples in the prompt before training


def reasons(case: Case) -> list[str]:
    """The reasons, the ones from the scores first."""
    return [found for reason in REASONS if (found := reason(case))]


def _place(case: Case) -> str | None:
    """How the choice stands to the best of those that may be chosen."""
    best, level = case.open.names[0], case.open.level
    first = f"{best} has the best score of {case.field}"
    if case.choice != best:
        gap = case.gap(case.open.against_best[case.choice])
        told = f"{case.choice} differs from it by {gap}, an interval with zero in it"
        return f"{first}, {case.title} {case.score(best)}. {told}: on these rows they cannot be told apart."
    if len(level) > 1:
        return f"{first}, and {_several(level[1:])} cannot be told from it on these rows."
    return f"{first}, and no interval of a difference to it holds zero." if case.open.names[1:] else None


def _several(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cost(case: Case) -> str | None:
    """What the choice costs, where costs decided."""
    if len(case.open.level) < 2 or not case.is_cheap:
        return None
    return f"Of the {len(case.open.level)} that cannot be told from the best, none costs clearly less: {costs(case)}."


def costs(case: Case) -> str:
    """What the choice adds to each request, takes on disk and took to train."""
    known = case.contender(case.choice)["costs"]
    tokens, stored = max(0, round(known.get("added_tokens") or 0)), known.get("bytes") or 0
    spent = (known.get("train_seconds") or 0) + (known.get("search_seconds") or 0)
    return (
        f"{format.count(tokens) if tokens else 'no'} added tokens in a request,"
        f" {format.size(stored) if stored else 'nothing'} on disk,"
        f" {format.seconds(spent) if spent else 'no time'} to prepare"
    )


def _gain(case: Case) -> str | None:
    """How the choice stands to the base alone."""
    found = case.everyone.against_base.get(case.choice)
    if found is None:
        return None
    count = len(case.everyone.against_base)
    tail = f" over {count} comparisons" if count > 1 else ""
    gap, chance = case.gap(found), format.chance(found.p)
    return f"Against {BASE} it makes a difference of {gap}, {chance} after Holm’s correction{tail}."


def _training(case: Case) -> str | None:
    """Whether training does more than prompting and retrieval."""
    trained, plain = case.first(trained=True), case.first(trained=False)
    if trained is None or plain is None:
        return None
    others = case.everyone.against_best  # one of the two is the best of all
    gap = others[trained] if trained in others else others[plain].turned
    ends = f"{trained} against {plain}: {case.gap(gap)}"
    if not gap.is_clear:
        return f"The best that is trained cannot be told from the best that is not: {ends}."
    word = "better" if case.better(gap) else "worse"
    return f"The best that is trained does {word} than the best that is not: {ends}."


def _one_label(case: Case) -> str | None:
    """Who has learnt no more than which label is common."""
    if not case.alike:
        return None
    one = len(case.alike) == 1
    return (
        f"{_several(case.alike)} {'gives' if one else 'give'} every row the same label:"
        f" {'its' if one else 'their'} score is that label’s share, and no skill."
    )


def _few_rows(case: Case) -> str | None:
    rows = (case.record["data"].get("rows") or {}).get("train")
    if rows is None or rows >= FEW_ROWS:
        return None
    return (
        f"There are {rows} training rows. With fewer than about {FEW_ROWS}, examples in the prompt are the safer start,"
        " and another seed can change the order of the trained ones."
    )


def _curve(case: Case) -> str | None:
    """Whether more rows would help, by the last two points of a learning curve."""
    curves = {one["contender"]: one["points"] for one in case.record.get("curve") or []}
    name = case.choice if case.choice in curves else next(iter(curves), None)
    steps = list(pairwise(sorted(curves[name], key=lambda point: point["rows"]))) if name else []
    if not steps:
        return None
    before, last = steps[-1]
    lower = case.everyone.lower_is_better
    small, large = (last, before) if lower else (before, last)
    rises = small["high"] < large["value"] and small["value"] < large["low"]  # both: a score of 100 % has no width
    ends = f"{_point(case, before)}, {_point(case, last)}"
    if rises:
        return f"{name} still gets better with more rows ({ends}): more data may help more than another method."
    return f"The last rows no longer made {name} clearly better ({ends}): more of the same kind will change little."


def _point(case: Case, point: dict[str, float]) -> str:
    return f"{case.metric.value(Interval(**{k: point[k] for k in ('value', 'low', 'high')}))} with {point['rows']:,.0f}"


def _api_only(case: Case) -> str | None:
    if not case.answered("api_only"):
        return None
    return "You said that the model is behind an API that takes no adapters: what needs training is ranked, not chosen."


def _changing(case: Case) -> str | None:
    if not case.answered("changing"):
        return None
    words = "You said that the facts change: what is trained in goes stale until it is trained again"
    if is_trained(case.contender(case.choice)):
        words += f" ({costs(case)})"
    missing = [one for one in case.record["contenders"] if one["kind"] == "retrieval" and one["reason"]]
    tail = f" {missing[0]['name']} was not measured: {missing[0]['reason']}." if missing else ""
    return f"{words}, and documents to be looked up can be exchanged at any time.{tail}"


def _per_user(case: Case) -> str | None:
    if not case.answered("per_user"):
        return None
    words = "You said that each user has data of their own: examples and documents can be chosen per request"
    if is_trained(case.contender(case.choice)):
        return f"{words}, and an adapter for each user would cost as much again for each ({costs(case)})."
    return f"{words}, and what is trained on everyone’s rows answers everyone alike."


REASONS: tuple[Callable[[Case], str | None], ...] = (
    *(_place, _cost, _gain, _training, _one_label, _few_rows, _curve),
    *(_api_only, _changing, _per_user),
)
