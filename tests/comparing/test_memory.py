"""The most memory is counted anew for each contender, where the system allows it."""

import os
from pathlib import Path

import pytest

from capotasto.comparing.memory import forget_peak
from capotasto.experiment.outcome import peak_memory_mb

CLEAR = Path("/proc/self/clear_refs")


@pytest.mark.skipif(not os.access(CLEAR, os.W_OK), reason="this system does not forget the most memory of a process")
def test_what_was_freed_before_does_not_count() -> None:
    large = bytearray(os.urandom(1024)) * (200 * 1024)
    before = peak_memory_mb()
    del large
    forget_peak()
    assert peak_memory_mb() < before - 150
    again = bytearray(os.urandom(1024)) * (100 * 1024)
    assert peak_memory_mb() < before - 50
    assert len(again) == 100 * 2**20
