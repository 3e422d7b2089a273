"""What the engine's tests share."""

import pytest
import torch

from capotasto.architectures import prepare
from tests import reference
from tests.tiny import ARCHITECTURES, tiny_base


@pytest.fixture(scope="module", params=ARCHITECTURES)
def pair(request):
    """A base on our forward path, and the same model as transformers made it."""
    base = tiny_base(request.param, torch.float64)
    model = reference.untouched(base)
    prepare(base.model)
    return base, model
