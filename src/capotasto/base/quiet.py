"""Silence for the libraries below: their progress bars and notices are about their insides."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, and only errors, from transformers; TRANSFORMERS_VERBOSITY keeps them for whoever asks."""
    if "TRANSFORMERS_VERBOSITY" in os.environ:
        yield
        return
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
