"""Retrieval on judged questions: how well each way of searching finds the document that answers, and how quickly.

handbook: 159 questions that are headings in a handbook of 238 pages; the pages that have the heading are wanted
untold:   the same, but the headings are taken out of the pages, so that only what stands under them can tell
pubmedqa: 1,000 questions about an abstract each; the abstract is wanted among all
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.common import arguments, data_file, peaks, report, timed
from benchmarks.relevance import ndcg, recall, reciprocal_rank
from capotasto.retrieve.build import build_index
from capotasto.retrieve.index import Index

DEPTH = 50  # passages of which the ranking of documents is made: each document at its best passage
HOWS = ("vector", "text", "hybrid")
Questions = list[tuple[str, set[str]]]  # each with the ids of the documents that are wanted
Judged = tuple[list[dict[str, str]], Questions]


def handbook() -> Judged:
    """Pages, and the headings of theirs that are questions."""
    documents = [{name: page[name] for name in ("id", "title", "text")} for page in _rows("handbook_18f/docs.jsonl")]
    wanted: dict[str, set[str]] = {}
    for row in _rows("handbook_18f/faq.jsonl"):
        wanted.setdefault(row["question"], set()).add(row["doc_id"])
    return documents, list(wanted.items())


def handbook_untold() -> Judged:
    """The same without the lines that are the questions."""
    documents, asked = handbook()
    questions = {" ".join(question.lower().split()) for question, _ in asked}

    def kept(line: str) -> bool:
        return " ".join(line.strip("# ").lower().split()) not in questions

    return [{**page, "text": "\n".join(filter(kept, page["text"].split("\n")))} for page in documents], asked


def pubmedqa() -> Judged:
    """Abstracts without their question."""
    documents: list[dict[str, str]] = []
    asked: Questions = []
    for number, row in enumerate(_rows("pubmedqa_labeled/pubmed_qa_labeled.jsonl")):
        abstract, _, rest = row["context"].rpartition("\nQuestion: ")
        documents.append({"id": str(number), "text": abstract.removeprefix("Context: ")})
        asked.append((rest.split("\nA. ")[0], {str(number)}))
    return documents, asked


def _rows(relative: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in data_file(relative).read_text(encoding="utf-8").split("\n") if line]


SETS: dict[str, Callable[[], Judged]] = {"handbook": handbook, "untold": handbook_untold, "pubmedqa": pubmedqa}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", choices=SETS, default="handbook")
    options = parser.parse_args()
    documents, asked = SETS[options.data]()
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "docs.jsonl"
        rows.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
        place = Path(folder) / "index"
        cpu = torch.device("cpu")
        began = time.process_time()
        built, seconds = timed(lambda: build_index(rows, place), cpu)
        computed = time.process_time() - began
        _, again = timed(lambda: build_index(rows, place), cpu)
        index = Index.open(place)
        measured = {}
        for how in HOWS:
            index.search("the first search loads the embedder", 1, how)
            measured |= {f"{how}_{name}": value for name, value in _judged(index, how, documents, asked).items()}
        report(
            cpu,
            torch.float32,
            documents=len(documents),
            passages=built.passages,
            questions=len(asked),
            index_seconds=seconds,
            index_cpu_seconds=computed,
            unchanged_seconds=again,
            **measured,
            **peaks(cpu),
        )


def _judged(index: Index, how: str, documents: list[dict[str, str]], asked: Questions) -> dict[str, float]:
    """The means over all questions, and the median of the milliseconds that a search takes."""
    scores: dict[str, list[float]] = {"ndcg_10": [], "recall_1": [], "recall_10": [], "mrr": [], "p50_ms": []}
    for question, wanted in asked:
        began = time.perf_counter()
        found = index.search(question, DEPTH, how)
        scores["p50_ms"].append(1000 * (time.perf_counter() - began))
        lines = dict.fromkeys(int(one.passage.file.rpartition(":")[2]) for one in found)
        ranking = [documents[line - 1]["id"] for line in lines]
        scores["ndcg_10"].append(ndcg(ranking, wanted, 10))
        scores["recall_1"].append(recall(ranking, wanted, 1))
        scores["recall_10"].append(recall(ranking, wanted, 10))
        scores["mrr"].append(reciprocal_rank(ranking, wanted))
    return {
        name: (statistics.median if name == "p50_ms" else statistics.fmean)(found) for name, found in scores.items()
    }


if __name__ == "__main__":
    main()
