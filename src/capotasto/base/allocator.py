"""The C library's allocator, told not to hoard: a training's memory is the tensors it needs, not their fragments."""

import ctypes
import sys

_TOP_PAD, _ARENA_MAX = -2, -8  # glibc's malloc.h, https://man7.org/linux/man-pages/man3/mallopt.3.html
_PAD = 64 << 20  # bytes


def tidy() -> None:
    """One arena for all threads, grown in large pieces. Nothing happens where the C library is not glibc.

    Backward runs in a thread of its own; with an arena of its own, what forward frees would not serve it
    (measured in dev/log.md: 0.26 GB less at the peak).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no mallopt
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_TOP_PAD, _PAD)
