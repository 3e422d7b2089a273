"""One vLLM server: whether it is well and serves the base, which LoRAs it has, and answers from it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from capotasto.base.frozen import FrozenBase
from capotasto.exporting.prompt_embeds import encoded
from capotasto.serve.vllm.client import Client, GoneError, RefusedError
from capotasto.serve.vllm.settings import VllmSettings
from capotasto.serve.vllm.wire import row

_PROBE = "The quick brown fox jumps over the lazy"
_GAP = 0.25  # nats between a prompt as ids and as embeddings; the same row twice differs by rounding only


class Replica:
    """A server by its address.

    well:    it answered when it was last looked at
    running: answers under way there
    context: the longest row it takes, in tokens; None as long as it has not said
    """

    def __init__(self, url: str, base: FrozenBase, settings: VllmSettings):
        self.well, self.running = False, 0
        self.context: int | None = None
        self._base, self._settings = base, settings
        self._client = Client(url, settings)
        self._name = ""  # the base's name there, once it has been seen to be the base
        self._loras: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def url(self) -> str:
        """Its address."""
        return self._client.url

    async def look(self) -> None:
        """See whether it is well; a server met for the first time, or again, must show that it serves the base.

        Errors: GoneError, or RefusedError where it serves something else.
        """
        try:
            if self._name:
                await self._client.get("/health", self._settings.connect_seconds)
            else:
                await self._meet()
        except (GoneError, RefusedError):
            self.lost()
            raise
        self.well = True

    def lost(self) -> None:
        """Forget what was known of it: what comes back may be another server."""
        self.well, self._name, self._loras = False, "", set()

    async def answer(self, body: dict[str, Any], lora: Path | None) -> AsyncGenerator[dict[str, Any]]:
        """What it streams, a choice of vLLM's a chunk.

        lora: the folder of a LoRA that is to act
        Errors: GoneError, RefusedError.
        """
        self.running += 1
        try:
            if not self._name:
                await self._again()
            name = self._name if lora is None else await self._load(lora)
            async with aclosing(self._client.stream("/v1/completions", {**body, "model": name})) as events:
                async for event in events:
                    for choice in event["choices"]:
                        yield choice
        except RefusedError as error:
            if error.status == 404:  # it does not know a name that it knew
                raise GoneError(f"{error}: it was started anew") from error
            raise
        finally:
            self.running -= 1

    async def _again(self) -> None:
        """See a server that was lost. Errors: GoneError, whatever is there now in its place."""
        try:
            await self.look()
        except RefusedError as error:
            raise GoneError(str(error)) from error

    async def close(self) -> None:
        """Let go of its connections."""
        await self._client.close()

    async def _meet(self) -> None:
        """Find the base's name and longest row, and see that its embedding is ours."""
        served = {one["id"]: one for one in (await self._client.get("/v1/models"))["data"]}
        name = self._settings.vllm_model or next(iter(served), "")
        if name not in served:
            raise RefusedError(f"{self.url} serves {', '.join(served) or 'nothing'}, not {name!r}; name one of these")
        ids = self._base.tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
        prompts: list[dict[str, Any]] = [
            {"prompt": ids, "add_special_tokens": False},
            {"prompt_embeds": encoded(row(self._base, ids, 0))},
        ]
        common = {"model": name, "max_tokens": 1, "temperature": 0, "logprobs": 0}
        answers = [await self._client.post("/v1/completions", {**common, **prompt}) for prompt in prompts]
        told, ours = (one["choices"][0]["logprobs"]["token_logprobs"][0] for one in answers)
        if not abs(told - ours) < _GAP:
            raise RefusedError(
                f"{self.url} serves {name!r}, which is not {self._base.name}: it takes the same prompt otherwise as"
                f" tokens than as our embeddings of them ({told:.2f} and {ours:.2f} nats); start it with"
                f" {self._base.folder}"
            )
        self.context = served[name].get("max_model_len")
        self._name = name

    async def _load(self, lora: Path) -> str:
        """The name of a LoRA there, which is loaded if this server does not have it yet."""
        async with self._one_at_a_time:
            if lora.name not in self._loras:
                try:
                    await self._client.post("/v1/load_lora_adapter", {"lora_name": lora.name, "lora_path": str(lora)})
                except RefusedError as error:
                    if "already been loaded" not in str(error):
                        raise RefusedError(
                            f"{error}; a server takes LoRAs with --enable-lora, a --max-lora-rank of at least theirs"
                            f" and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, and it must see {lora}"
                        ) from None
                self._loras.add(lora.name)
        return lora.name
