"""metrics.md: what may be measured, from the metrics' own declarations."""

import inspect
from importlib import import_module

from capotasto.evaluate.metrics import LOWER_IS_BETTER, METRICS, NEITHER_IS_BETTER, named
from parts.markdown import code, table

HEAD = """# Metrics

What a model answers is measured on rows it has not learnt from, always with a 95 % interval, and beside the bare base
on the same rows. `capo tune` measures the usual metrics of its task. `capo eval` measures further ones by name:

```text
capo eval test.csv --adapter runs/tickets --metrics auroc,calibration_error
capo eval questions.jsonl --adapter runs/answers --metrics rouge_l,token_f1,length_ratio
capo eval test.csv --adapter runs/tickets --metrics all
```

Three questions are put to a model, and a metric says which it needs. Each is put once, however many metrics use the
answers:

| question | what is asked | of which rows |
| --- | --- | --- |
| score | how likely is this completion? | all but those for a head that tells numbers or marks labels |
| choose | which of these labels is likeliest? | rows with one label |
| write | what would you write here? | rows with one label; other prompts only where a metric needs it |

A head may also *tell* numbers or *mark* all labels that fit. A metric that does not fit the rows is refused by name,
with those that fit. Several adapters are asked in mixed batches.

## All metrics

"""
TAIL = """
## Written answers

Writing takes most of the time, so free text is written only where a metric needs it. Answers are greedy and have at
most as many tokens as the longest wanted one, or `--answer-tokens`, and never more than half of `--max-length`.

**Several references.** Rows that ask exactly the same and want different completions are references for each other, as
in E2E NLG: the prompt is written to once, and counts once, in every metric of writing. Of several references the best
one counts (in BLEU runs of words from any of them; in `length_ratio` the nearest in length). In resamples such rows are
drawn together, also for the loss, because what is true of one of them is true of the others; a file with one prompt
alone has no interval worth the name. Rows that choose a label stay rows of their own.

`json_schema` holds answers to the schema in the file `--json-schema FILE`. Nothing is fetched for it.

## Probabilities

`auroc`, `calibration_error` and `brier_score` take the labels' probabilities among each other: that of each label's
text as the whole answer, divided by their sum. A head's are its own.

## Packages

BLEU is counted by sacrebleu, ROUGE by rouge-score, and schemas are held by jsonschema: `pip install
'capotasto[metrics]'`. Where one is absent its metrics are left out, with a note.

## Intervals

Every metric is a function of how often each row counts, so 2,000 resamples are one matrix product. BLEU and chrF add up
their counts over the rows of each resample, as they do over the rows themselves. In `distinct_1` and `distinct_2` each
row keeps its share of what is different.

## Your own

A function of `(answers, weights [R, N])` that gives `[R]` values is a metric once it is declared with
`capotasto.evaluate.metric.metric` and named in an entry point of the group `capotasto.metric`; with `usual=True` it is
measured wherever its question is asked.
"""


def page() -> str:
    """The whole page."""
    return (
        HEAD + table(["name", "what it says", "question", "better is", "usual", "package"], map(_row, METRICS)) + TAIL
    )


def _row(name: str) -> list[str]:
    metric = named(name)
    what = (inspect.getdoc(import_module(metric.__module__)) or "").split("\n\n")[0]
    better = "lower" if name in LOWER_IS_BETTER else "neither" if name in NEITHER_IS_BETTER else "higher"
    package = code(metric.library[0]) if metric.library else ""
    return [code(name), what, " or ".join(metric.asks), better, "yes" if metric.usual else "", package]
