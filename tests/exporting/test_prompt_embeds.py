"""The program that goes with exported virtual tokens builds the very row that the base is given here."""

import ast
import base64
import importlib.util
import io
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
from tokenizers import processors

import capotasto as capo
from capotasto.exporting import prompt_embeds
from capotasto.session import Base
from capotasto.types import Turn
from tests.making import make_adapter, read_base

TEXT = "the rain in the north"


def program_in(folder):
    """The program of an export, as a module of its own."""
    spec = importlib.util.spec_from_file_location("exported_program", folder / "prompt_embeds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(base: Base, adapter, chat: bool) -> torch.Tensor:
    row = base.renderer(adapter).prompt([Turn("user" if chat else "text", TEXT)])
    with torch.no_grad():
        embeds = base.embedding(torch.tensor(row.ids))
    return torch.cat([embeds[: row.slot], adapter.embeds().detach(), embeds[row.slot :]])


def with_bos(base: Base, folder) -> Base:
    """The same base with a tokenizer that begins every text with <s>."""
    folder.mkdir()
    base.model.save_pretrained(folder)
    inner = base.tokenizer._tokenizer
    before = inner.post_processor
    inner.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    base.tokenizer.save_pretrained(folder)
    inner.post_processor = before
    return read_base(folder)


@pytest.mark.parametrize("placement", ["front", "after_bos", "system"])
@pytest.mark.parametrize("bos", [False, True])
def test_the_row_is_ours_wherever_the_tokens_stand(bases, tmp_path, placement, bos):
    base = with_bos(bases("llama"), tmp_path / "bos") if bos else bases("llama")
    adapter = make_adapter("prompt", base, placement=placement)
    adapter.dialogue = True
    found = program_in(capo.export(base, adapter, "vllm-embeds", tmp_path / "out")).row(TEXT)
    torch.testing.assert_close(found, ours(base, adapter, chat=True), rtol=0, atol=0)


@pytest.mark.parametrize(("architecture", "method"), [("gemma3", "prompt"), ("llama", "ptuning"), ("opt", "residual")])
@pytest.mark.parametrize("dialogue", [False, None])
def test_the_row_is_ours_on_other_bases_and_for_plain_text(bases, tmp_path, architecture, method, dialogue):
    base = bases(architecture)
    adapter = make_adapter(method, base)
    adapter.dialogue = dialogue
    found = program_in(capo.export(base, adapter, "vllm-embeds", tmp_path / "out")).row(TEXT)
    torch.testing.assert_close(found, ours(base, adapter, chat=dialogue is None), rtol=0, atol=1e-6)


def test_a_base_without_a_template_gets_a_line(bases, tmp_path):
    base = bases("llama")
    template, base.tokenizer.chat_template = base.tokenizer.chat_template, None
    try:
        base.model.save_pretrained(tmp_path / "plain")
        base.tokenizer.save_pretrained(tmp_path / "plain")
        plain = replace(base, folder=tmp_path / "plain")
        adapter = make_adapter("prompt", base)
        adapter.dialogue = True
        found = program_in(capo.export(plain, adapter, "vllm-embeds", tmp_path / "out")).row(TEXT)
        torch.testing.assert_close(found, ours(base, adapter, chat=True), rtol=0, atol=0)
    finally:
        base.tokenizer.chat_template = template


def test_what_is_sent_is_the_row_and_no_more():
    whole = torch.randn(1000, 8)
    sent = base64.b64decode(prompt_embeds.encoded(whole[:3]))
    assert len(sent) < 4000
    assert torch.equal(torch.load(io.BytesIO(sent), weights_only=True), whole[:3])


class Server(BaseHTTPRequestHandler):
    """Answers "Dry." to everything, and remembers what was asked."""

    heard: list[tuple[str, dict]]

    def do_POST(self):
        self.heard.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        body = json.dumps({"choices": [{"text": "Dry."}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_program_imports_nothing_of_ours():
    tree = ast.parse(Path(prompt_embeds.__file__).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name.startswith("capotasto") for name in imported)


def test_the_program_asks_a_server(bases, tmp_path):
    base = bases("llama")
    adapter = make_adapter("prompt", base)
    folder = capo.export(base, adapter, "vllm-embeds", tmp_path / "out")
    assert "python prompt_embeds.py" in (folder / "README.md").read_text(encoding="utf-8")
    Server.heard = []
    server = HTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert program_in(folder).ask(f"http://127.0.0.1:{server.server_port}", "tiny", TEXT) == "Dry."
    finally:
        server.shutdown()
        server.server_close()
    [(path, body)] = Server.heard
    sent = torch.load(io.BytesIO(base64.b64decode(body["prompt_embeds"])), weights_only=True)
    assert path == "/v1/completions"
    assert (body["model"], body["stop_token_ids"]) == ("tiny", base.renderer().stops)
    torch.testing.assert_close(sent, ours(base, adapter, chat=True), rtol=0, atol=0)
