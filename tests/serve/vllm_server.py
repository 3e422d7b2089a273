"""A small server that speaks vLLM's protocol over a tiny model, computed the plainest way, and can be made to fail."""

import base64
import io
import json
import socket
import time
from contextlib import suppress
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

import torch
from peft import PeftModel
from torch import Tensor


class VllmServer:
    """One server.

    heard:   (path, body, headers) of every POST
    delay:   seconds before each token
    dies_at: it breaks an answer off before its token of this number, and with `down` the whole server with it
    refuses: path → (status, message), said instead of an answer
    """

    def __init__(self, model, tokenizer, port: int = 0, embeds: bool = True):
        self.model, self.tokenizer, self.embeds = model, tokenizer, embeds
        self.heard: list[tuple[str, dict, dict]] = []
        self.loras: dict[str, object] = {}
        self.refuses: dict[str, tuple[int, str]] = {}
        self.delay, self.dies_at, self.down, self.context = 0.0, -1, False, 200
        self.lock, self.sockets, self.left = Lock(), set(), 0
        self.http = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (_Handler,), {"owner": self}))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def kill(self) -> None:
        """As kill -9 does: nothing listens any more, and every connection breaks."""
        self.http.shutdown()
        self.http.server_close()
        for one in list(self.sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def asked(self, path: str = "/v1/completions") -> list[dict]:
        """Bodies of the answers asked for; those of first meetings apart."""
        return [body for where, body, _ in self.heard if where == path and (body.get("stream") or "lora" in path)]

    def row(self, body: dict) -> Tensor:
        """[P + T, E] of what was sent."""
        if "prompt_embeds" in body:
            return torch.load(io.BytesIO(base64.b64decode(body["prompt_embeds"])), weights_only=True)
        with torch.no_grad():
            return self.model.get_input_embeddings()(torch.tensor(body["prompt"]))

    @torch.no_grad()
    def tokens(self, body: dict):
        """(token, [V] logprobs), greedily, the whole row again for each."""
        model = self.loras.get(body["model"], self.model)
        row = self.row(body)
        for _ in range(body["max_tokens"]):
            chances = model(inputs_embeds=row[None]).logits[0, -1].log_softmax(-1)
            token = int(chances.argmax())
            yield token, chances
            row = torch.cat([row, model.get_input_embeddings()(torch.tensor([token]))])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: VllmServer

    def setup(self):
        super().setup()
        self.owner.sockets.add(self.connection)

    def finish(self):
        with suppress(OSError):
            super().finish()
        self.owner.sockets.discard(self.connection)

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/v1/models":
            self.say(200, {"data": [{"id": "tiny", "max_model_len": self.owner.context}]})
        else:
            self.say(200, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.owner.heard.append((self.path, body, dict(self.headers)))
        if refusal := self.owner.refuses.get(self.path):
            self.wrong(*refusal)
        elif self.path == "/v1/load_lora_adapter":
            self.load(body)
        elif "prompt_embeds" in body and not self.owner.embeds:
            self.wrong(400, "You must set `--enable-prompt-embeds` to input `prompt_embeds`.")
        elif body["model"] not in ("tiny", *self.owner.loras):
            self.wrong(404, f"The model `{body['model']}` does not exist.")
        elif body.get("stream"):
            with suppress(OSError):
                self.stream(body)
        else:
            [(_, chances)] = self.owner.tokens(body)
            self.say(200, {"choices": [{"logprobs": {"token_logprobs": [float(chances.max())]}}]})

    def load(self, body: dict) -> None:
        if body["lora_name"] in self.owner.loras:
            self.wrong(400, f"The lora adapter '{body['lora_name']}' has already been loaded.")
            return
        assert Path(body["lora_path"]).is_absolute()
        model = PeftModel.from_pretrained(deepcopy(self.owner.model), body["lora_path"]).eval()
        self.owner.loras[body["lora_name"]] = model
        self.say(200, "Success")

    def stream(self, body: dict) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        written: list[int] = []
        try:
            for number, (token, chances) in enumerate(self.owner.tokens(body)):
                time.sleep(self.owner.delay)
                if number == self.owner.dies_at:
                    if self.owner.down:
                        Thread(target=self.owner.kill).start()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                before = self.owner.tokenizer.decode(written, skip_special_tokens=True)
                ended = token in body.get("stop_token_ids", [])
                written += [] if ended else [token]
                text = self.owner.tokenizer.decode(written, skip_special_tokens=True).removeprefix(before)
                finish = "stop" if ended else "length" if len(written) == body["max_tokens"] else None
                self.event({"choices": [self.choice(body, token, chances, text, finish)]})
                if ended:
                    break
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.owner.left += 1
            raise
        self.close_connection = True

    @staticmethod
    def choice(body: dict, token: int, chances: Tensor, text: str, finish: str | None) -> dict:
        found = {"index": 0, "text": text, "finish_reason": finish, "token_ids": [token], "logprobs": None}
        if (count := body.get("logprobs")) is not None:
            values, ids = chances.topk(max(1, count))
            top = {f"token_id:{i}": float(value) for i, value in zip(ids.tolist(), values, strict=True)}
            found["logprobs"] = {"token_logprobs": [float(chances[token])], "top_logprobs": [top]}
        return found

    def event(self, content: dict) -> None:
        self.wfile.write(f"data: {json.dumps(content)}\n\n".encode())
        self.wfile.flush()

    def wrong(self, status: int, message: str) -> None:
        self.say(status, {"error": {"message": message, "code": status}})

    def say(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
