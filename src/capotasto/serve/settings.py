"""What a server serves, to whom, and how much of it."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from capotasto.config import Settings, parted
from capotasto.errors import SettingError

_LOCAL = ("localhost", "127.0.0.1", "::1")


class ServeSettings(Settings):
    """The server."""

    backend: Literal["local", "vllm"] = Field(
        "local", description="where answers are written: in this process, or on the vLLM servers of --vllm-url"
    )

    host: str = Field("127.0.0.1", description="the address to listen on; another than this machine's own needs --keys")
    port: int = Field(8000, ge=0, le=65535, description="the port; 0 takes a free one")
    adapters_dir: Path | None = Field(None, description="a folder of adapters, each served under its folder's name")
    store: Path | None = Field(
        None, description="a store's folder; served as NAME, NAME@VERSION and NAME:TAG (see `capo store`)"
    )
    keys: Path | None = Field(None, description="who may use what: a file made with `capo keys add`")
    insecure: bool = Field(False, description="listen beyond this machine without keys: anyone there may use it")
    allowed_hosts: list[str] | None = Field(
        None,
        description="names of this server in Host headers, with commas between",
        json_schema_extra={"metavar": "NAMES"},
    )
    adapters_gb: float = Field(2.0, gt=0, description="GiB of adapters in memory; those not used longest make room")
    default_tokens: int = Field(512, ge=1, description="tokens written at most where a chat request does not say")
    max_body_kb: int = Field(1024, ge=1, description="KiB of a request at most")
    max_choices: int = Field(8, ge=1, description="answers to one prompt (n) at most")
    max_inputs: int = Field(64, ge=1, description="prompts or texts in one request at most")
    max_requests: int = Field(64, ge=1, description="requests of one key at a time")
    max_queued_tokens: int = Field(262_144, ge=1, description="prompt and new tokens of one key's requests at a time")
    drain_seconds: float = Field(30.0, ge=0, description="seconds that running requests have after SIGTERM")
    log_prompts: bool = Field(False, description="write requests' texts into the access log")

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return parted(value)

    @model_validator(mode="after")
    def _not_open(self) -> "ServeSettings":
        if not self.loopback and self.keys is None and not self.insecure:
            raise SettingError(
                f"--host {self.host} can be reached from elsewhere: make keys (capo keys add NAME --file keys.yaml) and"
                " name them with --keys, or say --insecure"
            )
        return self

    @property
    def loopback(self) -> bool:
        """True where only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def private(self) -> bool:
        """True where without keys nobody but this machine's own users can ask: they may load adapters.

        Whoever names other hosts has a proxy before the server, which lets others in.
        """
        return self.loopback and not self.insecure and not self.allowed_hosts

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names that a Host header may have; None where any may stand."""
        if self.allowed_hosts:
            return frozenset(name.lower() for name in self.allowed_hosts)
        return frozenset((*_LOCAL, self.host.lower())) if self.loopback else None
