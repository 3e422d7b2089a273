"""A finished comparison to a ranking and a recommendation, which may be not to train."""

from collections.abc import Mapping, Sequence
from typing import Any

from capotasto.comparing.case import Case, is_trained
from capotasto.comparing.price import cheap
from capotasto.comparing.ranking import Ranking, ranking
from capotasto.comparing.reasons import reasons
from capotasto.report.compare import BASE

FEWEST = 10  # test rows; on fewer, no interval is worth its name


def recommend(record: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What `compare.json` gets added: `comparisons`, `ranking` and `recommendation`.

    record:  `compare.json`, with what the user answered in `wizard`
    answers: `answers.json` by contender; a contender without is not ranked
    """
    everyone = ranking(record, answers)
    kinds = {"against_base": everyone.against_base, "against_best": everyone.against_best} if everyone.names else {}
    comparisons = {
        name: {kind: found[name].as_dict() for kind, found in kinds.items() if name in found} for name in everyone.names
    }
    alike = [name for name in everyone.names if _is_alike(answers[name])]
    return {
        "comparisons": comparisons,
        "ranking": everyone.names,
        "recommendation": _recommendation(record, everyone, alike),
    }


def _is_alike(found: Mapping[str, Any]) -> bool:
    """Whether all rows got the same label, though they have several."""
    chosen, truth = found.get("chosen") or (), found.get("truth") or ()
    return len(set(chosen)) == 1 and len(set(truth)) > 1


def _recommendation(record: Mapping[str, Any], everyone: Ranking, alike: Sequence[str]) -> dict[str, Any]:
    known = {one["name"]: one for one in record["contenders"]}
    wizard = record.get("wizard") or {}
    open_names = [name for name in everyone.names if not (wizard.get("api_only") and is_trained(known[name]))]
    if not open_names:
        return _none(
            "No contender that can be used here has answered the test rows.", "Compare again, with more of them."
        )
    if everyone.rows < FEWEST:
        what = "row" if record.get("prompts") is None else "prompt"
        rows = f"1 test {what} is" if everyone.rows == 1 else f"{everyone.rows} test {what}s are"
        return _none(f"{rows} too few to tell contenders apart.", f"Compare again with at least {FEWEST}, better 100.")
    among = everyone.among(open_names)
    case = Case(record, everyone, among, _choice(known, among, wizard), alike)
    return {"choice": case.choice, "text": _sentences(case), "reasons": reasons(case)}


def _none(what: str, remedy: str) -> dict[str, Any]:
    return {"choice": None, "text": f"{what} {remedy}", "reasons": []}


def _choice(known: Mapping[str, Mapping[str, Any]], among: Ranking, wizard: Mapping[str, Any]) -> str:
    """The base where it cannot be told from the best; else the best of those that cost hardly more than the cheapest of
    those that cannot. Where data do not stay, what needs no training comes first among them."""
    level = among.level
    if BASE in level:
        return BASE
    if wizard.get("changing") or wizard.get("per_user"):
        level = [name for name in level if not is_trained(known[name])] or level
    return cheap({name: known[name]["costs"] for name in level})[0]


def _sentences(case: Case) -> str:
    """Two sentences: what to do, and why."""
    what = "rows" if case.record.get("prompts") is None else "prompts"
    reached = f"{case.title} {case.score(case.choice)} on {case.everyone.rows} untouched {what}"
    if case.choice == BASE:
        return f"Do not fine-tune: use the base as it is, with {reached}. {_why_base(case)}"
    if not is_trained(case.contender(case.choice)):
        return f"Do not fine-tune: use {case.choice}, with {reached}. {_why(case)}"
    base = f", against {case.score(BASE)} of the base alone" if BASE in case.everyone.names else ""
    return f"Fine-tune: use {case.choice}, with {reached}{base}. {_why(case)}"


def _why_base(case: Case) -> str:
    best = case.open.names[0]
    if len(case.open.names) == 1:
        return "Nothing else was compared."
    if best == BASE:
        return "No other contender has a better score."
    gap = case.gap(case.open.against_best[BASE])
    return f"Against the best of the others, {best}, it differs by {gap}: chance alone can do that."


def _why(case: Case) -> str:
    best, level = case.open.names[0], case.open.level
    if len(level) == 1:
        return f"It is clearly the best of {case.field}." if case.open.names[1:] else "Nothing else could be chosen."
    if case.choice == best:
        why = "nothing that cannot be told from it costs clearly less"
        return f"It has the best score, and {why if case.is_cheap else 'it needs no training'}."
    gap, gain = case.gap(case.open.against_best[case.choice]), "costs less" if case.is_cheap else "needs no training"
    return f"It differs from the best score, that of {best}, by {gap}, which chance alone can do, and {gain}."
