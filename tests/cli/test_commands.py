import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from capotasto import load_adapter, load_base
from capotasto.base.catalog import aliases
from capotasto.demo import run as demonstration
from capotasto.demo.run import Demonstration
from tests.cli.conftest import Capo


def test_generate_answers_as_the_api_does(tuned: Path, base: Path, capo: Capo) -> None:
    done = capo(
        "generate",
        "the sun",
        "--base",
        base,
        "--adapter",
        f"a={tuned}",
        "--adapter",
        tuned,
        "--max-new-tokens",
        5,
        "--json",
    )
    model = load_base(str(base))
    adapter = load_adapter(tuned, model)
    bare, with_adapter = model.generate(["the sun"] * 2, [None, adapter], max_new_tokens=5)
    [row] = done.json
    assert row == {"prompt": "the sun", "answers": {"base": bare, "a": with_adapter, "moods": with_adapter}}


def test_generate_reads_prompts_from_stdin(base: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\n\ntwo\n"))
    done = capo("generate", "zero", "-", "--base", base, "--max-new-tokens", 1, "--json")
    assert [row["prompt"] for row in done.json] == ["zero", "one", "two"]


def test_generate_prints_what_the_user_wrote_as_it_is(base: Path, capo: Capo) -> None:
    assert (
        "[bold]the[/bold] :sun:"
        in capo("generate", "[bold]the[/bold] :sun:", "--base", base, "--max-new-tokens", 1).stdout
    )


def test_eval_scores_every_row_and_warns_of_rows_it_has_learnt(tuned: Path, base: Path, rows: Path, capo: Capo) -> None:
    done = capo("eval", rows, "--base", base, "--adapter", tuned, "--json")
    found = done.json
    assert found["data"]["rows"] == 20
    assert found["adapters"]["moods"]["trained_on_these_rows"] is True
    assert "moods was trained on rows of" in done.stderr
    tuned_loss, base_loss = found["adapters"]["moods"]["scores"]["loss"], found["base"]["loss"]
    gap = found["adapters"]["moods"]["difference"]["loss"]["value"]
    assert gap == pytest.approx(tuned_loss["value"] - base_loss["value"])


def test_eval_of_the_test_rows_gives_the_scores_of_the_run(
    tuned: Path, base: Path, rows: Path, tmp_path: Path, capo: Capo
) -> None:
    record = json.loads((tuned / "run.json").read_text())
    asked = {sample["prompt"] for sample in record["samples"]}
    header, *lines = rows.read_text().splitlines()
    fresh = tmp_path / "test.csv"
    fresh.write_text("\n".join([header, *(line for line in lines if line.split(",")[0] in asked)]) + "\n")
    done = capo("eval", fresh, "--map", "text=text,label=label", "--base", base, "--adapter", tuned, "--json")
    assert done.stderr == ""
    assert done.json["adapters"]["moods"]["scores"] == record["scores"]["tuned"]
    assert done.json["base"] == record["scores"]["base"]


def test_eval_shows_a_table_for_each_adapter_or_the_base_alone(tuned: Path, base: Path, rows: Path, capo: Capo) -> None:
    alone = capo("eval", rows, "--base", base).stdout
    assert "All 20 rows of" in alone
    assert "Accuracy" in alone
    assert "difference" not in alone
    both = capo("eval", rows, "--base", base, "--adapter", f"a={tuned}", "--adapter", f"b={tuned}").stdout
    assert both.count("Accuracy") == 2
    assert "difference" in both


def test_eval_refuses_adapters_with_different_labels(
    tuned: Path, base: Path, rows: Path, tmp_path: Path, capo: Capo
) -> None:
    record = json.loads((tuned / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**record, "labels": ["up", "down"]}))
    done = capo("eval", rows, "--base", base, "--adapter", f"a={tuned}", "--adapter", f"b={tmp_path}")
    assert done.code == 2
    assert "a and b choose among different labels; evaluate them one at a time" in done.stderr


def test_data_shows_what_would_be_done(rows: Path, base: Path, capo: Capo) -> None:
    found = capo("data", rows, "--base", base, "--json").json
    assert found["shape"] == "text_label"
    assert sum(found["splits"].values()) == 20
    assert found["tokens"]["least"] <= found["tokens"]["median"] <= found["tokens"]["most"]
    text = capo("data", rows).stdout
    for promise in (
        "text_label",
        "text from 'text', label from 'label'",
        "prompt, characters",
        "good",
        "✓ no bad rows",
    ):
        assert promise in text


def test_data_names_the_rows_that_are_trouble(tmp_path: Path, capo: Capo) -> None:
    path = tmp_path / "t.csv"
    lines = [f"question {i},answer {i}" for i in range(20)]
    path.write_text("\n".join(["prompt,completion", *lines, lines[0], "question 1,another", ",", "x,"]) + "\n")
    text = capo("data", path, "--on-bad-row", "skip").stdout
    assert "! 2 bad rows" in text or "! 1 bad rows" in text
    assert "t.csv:22" in text
    assert "! 1 prompts with different completions" in text


def test_inspect_tells_the_run_and_the_nearest_tokens(tuned: Path, base: Path, capo: Capo) -> None:
    found = capo("inspect", tuned, "--base", base, "--json").json
    assert found["size"]["virtual_tokens"] == 4
    assert found["manifest"]["name"] == "moods"
    assert len(found["nearest"]) == 4
    assert all(0 < one["cosine"] <= 1.0001 for one in found["nearest"])
    with_base = capo("inspect", tuned, "--base", base).stdout
    without = capo("inspect", tuned).stdout
    assert "https://arxiv.org/abs/2112.08348" in with_base
    assert "4 virtual tokens, 128 numbers" in without
    assert "--base BASE" in " ".join(without.split())
    assert found["run"]["verdict"].split(":")[0] in without


def test_the_nearest_token_of_a_token_is_itself(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    folder = tmp_path / "x"
    capo(
        "tune", rows, "--base", base, "--out", folder, "--epochs", 1, "--lr", 1e-9, "--init", "text:rain", "--tokens", 3
    )
    nearest = capo("inspect", folder, "--base", base, "--json").json["nearest"]
    assert "rain".startswith(nearest[0]["token"])
    assert nearest[0]["cosine"] == pytest.approx(1, abs=1e-4)


def test_inspect_of_a_prompt_that_peft_saved(tuned: Path, tmp_path: Path, capo: Capo) -> None:
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (tmp_path / name).write_bytes((tuned / name).read_bytes())
    text = capo("inspect", tmp_path).stdout
    assert "saved by PEFT" in text
    assert "4 virtual tokens" in text


def test_bases_lists_every_alias_and_marks_the_default(capo: Capo) -> None:
    found = capo("bases", "--json").json
    assert [one["name"] for one in found if one["default"]] == ["smollm2-135m"]
    assert not any(one["here"] for one in found if one["wheel"])  # the cache of the tests is empty
    text = capo("bases").stdout
    assert all(one.name in text for one in aliases())
    assert "default" in text


def test_doctor_tells_the_machine(capo: Capo) -> None:
    assert capo("doctor", "--json").json["device"] in capo("doctor").stdout


def test_methods_come_from_the_registries(capo: Capo) -> None:
    found = capo("methods", "--json").json
    assert "prompt" in found["methods"]
    assert {"text", "labels", "vocab"} <= found["starts"].keys()
    assert found["metrics"]["accuracy"] in capo("methods").stdout


def test_the_demo_shows_its_runs_and_the_mixed_batch(
    tuned: Path, tmp_path: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = json.loads((tuned / "run.json").read_text())
    one = SimpleNamespace(folder=tuned, adapter=SimpleNamespace(name="moods"), record=record)
    mixed = [{"prompt": "Hm?", "adapter": "moods", "answer": "good"}, {"prompt": "Hm?", "adapter": None, "answer": "I"}]

    def run(out: Path, tell, watch) -> Demonstration:  # type: ignore[no-untyped-def]
        tell(f"working in {out}")
        return Demonstration("tiny", [one], mixed, out / "report.html")  # type: ignore[list-item]

    monkeypatch.setattr(demonstration, "run", run)
    shown = capo("demo", "--out", tmp_path)
    assert f"working in {tmp_path}" in shown.stderr
    for promise in (record["verdict"].split(":")[0], "One mixed batch", "Hm?", "good", "report.html"):
        assert promise in shown.stdout
    assert capo("demo", "--out", tmp_path, "--json").json["mixed"] == mixed


def test_the_store_is_named_where_a_folder_is(tuned: Path, base: Path, tmp_path: Path, capo: Capo) -> None:
    assert capo("store", "add", tuned, "--json").json == ["moods@1"]
    assert capo("store", "tag", "moods@1", "live").stdout == "moods:live\n"
    found = capo("generate", "the sun", "--base", base, "--adapter", "moods:live", "--max-new-tokens", 2, "--json").json
    assert set(found[0]["answers"]) == {"base", "moods:live"}
    text = capo("store").stdout
    assert "moods@1" in text
    assert ":live" in text
    assert Path(capo("store", "path", "moods", "--json").json[0]).is_dir()
    assert capo("inspect", "moods:live", "--json").json["manifest"]["name"] == "moods"
    assert capo("store", "remove", "moods").stdout == "moods@1\n"
    assert "DIR" in capo("store", "add").stderr


def test_data_says_into_how_many_windows_texts_are_cut(base: Path, tmp_path: Path, capo: Capo) -> None:
    path = tmp_path / "chapters.jsonl"
    path.write_text("".join(json.dumps({"text": f"{i} " + "the rain in the north " * 40}) + "\n" for i in range(8)))
    found = capo("data", path, "--base", base, "--max-length", 32, "--json").json
    assert found["windows"]["tokens"] == 32
    assert found["windows"]["windows"] > 8
    words = f"{found['windows']['windows']} of 32 tokens at most"
    assert words in capo("data", path, "--base", base, "--max-length", 32).stdout
    command = ("tune", path, "--base", base, "--out", tmp_path / "x", "--dry-run", "--init", "vocab")
    done = capo(*command, "--max-length", 32, "--json").json
    assert sum(side["windows"] for side in done["sides"].values()) == found["windows"]["windows"]
    assert " windows, " in capo(*command, "--max-length", 32).stdout


def test_merge_writes_a_base_that_needs_no_adapter(base: Path, rows: Path, capo: Capo, tmp_path: Path) -> None:
    lora = tmp_path / "lora"
    quick = ("--method", "lora", "--epochs", 1, "--rank", 2, "--lr", 0.05)
    assert capo("tune", rows, "--base", base, "--out", lora, *quick).code == 0
    done = capo("merge", lora, "--base", base, "--out", tmp_path / "merged", "--json")
    assert done.json == {"folder": str(tmp_path / "merged"), "base": str(base), "adapter": "lora", "layers": 14}
    model = load_base(str(base))
    wanted = model.generate(["the sun"], [load_adapter(lora, model)], chat=True, max_new_tokens=6)
    assert load_base(str(tmp_path / "merged")).generate(["the sun"], chat=True, max_new_tokens=6) == wanted


def test_export_writes_for_another_program(tuned: Path, base: Path, capo: Capo, tmp_path: Path) -> None:
    done = capo("export", tuned, "--base", base, "--to", "vllm-embeds", "--out", tmp_path / "out", "--json")
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["README.md", "prompt.json", "prompt_embeds.py", "virtual_tokens.safetensors"]
    assert done.json == {
        "folder": str(tmp_path / "out"), "target": "vllm-embeds", "adapter": "moods", "files": files
    }  # fmt: skip
    assert "moods for peft" in capo("export", tuned, "--base", base, "--to", "peft", "--out", tmp_path / "b").stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "name one with --to: vllm-embeds, peft, merged, gguf-lora"),
        (["--to", "gguf"], "--to gguf: unknown target; did you mean 'gguf-lora'?"),
        (["--to", "peft"], "--out FOLDER"),
        (["--to", "gguf-lora", "--out", "OUT"], "no slot for anything else"),
    ],
)
def test_export_says_what_it_lacks_or_cannot_do(
    tuned: Path, base: Path, capo: Capo, tmp_path: Path, given: list[str], words: str
) -> None:
    out = tmp_path / "out"
    done = capo("export", tuned, "--base", base, *(str(out) if part == "OUT" else part for part in given))
    assert done.code == 2
    assert words in " ".join(done.stderr.split())
    assert not out.exists()


def test_merge_says_what_it_lacks_or_cannot_do(tuned: Path, base: Path, capo: Capo, tmp_path: Path) -> None:
    assert "--out FOLDER" in capo("merge", tuned, "--base", base).stderr
    done = capo("merge", tuned, "--base", base, "--out", tmp_path / "merged")
    assert done.code == 2
    assert "virtual tokens are input, not weights" in " ".join(done.stderr.split())
    assert not (tmp_path / "merged").exists()
