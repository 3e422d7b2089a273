"""From a file to examples, splits and a profile."""

from capotasto.data.dataset import Dataset, load
from capotasto.data.profile import profile
from capotasto.data.split import Splits, split

__all__ = ["Dataset", "Splits", "load", "profile", "split"]
