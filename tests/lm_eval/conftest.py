import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import capo  # noqa: F401  the same fixture here
from tests.tiny import CONTEXT

QUESTIONS = [
    {"question": "one two three", "choices": ["four five", "sun"], "gold": 0, "answer": "four"},
    {"question": "north shore", "choices": ["rain", "six five four", "x"], "gold": 1, "answer": "rain on it"},
    {"question": "sun", "choices": ["A", "B"], "gold": 0, "answer": "sun"},
    {"question": "the rain " * 60, "choices": ["in the north", "and the sun"], "gold": 1, "answer": "falls"},
    {"question": "", "choices": ["one", "another"], "gold": 0, "answer": "two"},
]
TEXTS = ["one question, another answer", "the sun on the shore; " * (CONTEXT // 8), "x", ""]

HEAD = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
"""
TASKS = {
    "choosing": """
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: gold
metric_list: [{metric: acc}, {metric: acc_norm}]
""",
    "ending": """
output_type: loglikelihood
doc_to_text: "on {{question}} "
doc_to_target: "{{answer}}"
metric_list: [{metric: perplexity}, {metric: acc}]
""",
    "reading": """
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: word_perplexity}, {metric: bits_per_byte}]
""",
    "writing": """
output_type: generate_until
doc_to_text: "Q: {{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["e", "ion", "</s>"], max_gen_toks: 12, do_sample: false}
metric_list: [{metric: exact_match}]
""",
}

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of lm-eval's tasks, one of each kind."""
    pytest.importorskip("lm_eval")
    folder = tmp_path_factory.mktemp("tasks")
    for name, rows in (("questions", QUESTIONS), ("texts", [{"text": text} for text in TEXTS])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, body in TASKS.items():
        file = folder / ("texts.jsonl" if name == "reading" else "questions.jsonl")
        (folder / f"{name}.yaml").write_text(HEAD.format(name=name, file=file) + body)
    return folder


@pytest.fixture
def own_tasks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval's command looks through thousands of files of its own otherwise, half a minute each time."""
    lm_eval_tasks = pytest.importorskip("lm_eval.tasks")
    monkeypatch.setattr(lm_eval_tasks, "TaskManager", partial(lm_eval_tasks.TaskManager, include_defaults=False))


@pytest.fixture(scope="session")
def evaluate(tasks: Path) -> Evaluate:
    """lm-eval's results for a model."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    def run(model: Any, *names: str, **more: Any) -> dict[str, Any]:
        manager = TaskManager(include_path=str(tasks), include_defaults=False)
        settings = {"bootstrap_iters": 0, "log_samples": True, **more}
        found = lm_eval.simple_evaluate(model=model, tasks=list(names or TASKS), task_manager=manager, **settings)
        assert found is not None
        return found

    return run
