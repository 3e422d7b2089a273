import pytest
import torch

from capotasto.base import precision
from capotasto.errors import SettingError

CPU = torch.device("cpu")


@pytest.fixture(params=[True, False])
def native(request, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: request.param)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    return request.param


def test_auto_is_bf16_only_where_it_is_native(native: bool) -> None:
    assert precision.choose("auto", CPU) is (torch.bfloat16 if native else torch.float32)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16)])
def test_auto_on_a_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert precision.choose("auto", torch.device("cuda")) is expected


@pytest.mark.filterwarnings("error")
def test_bf16_warns_where_it_is_slow(native: bool) -> None:
    if native:
        assert precision.choose("bf16", CPU) is torch.bfloat16
    else:
        with pytest.warns(UserWarning, match=r"bf16 is emulated .* slower than fp32"):
            assert precision.choose("bf16", CPU) is torch.bfloat16


@pytest.mark.parametrize("dtype", ["fp64", torch.float64])
def test_double_precision(dtype: str | torch.dtype) -> None:
    assert precision.choose(dtype, CPU) is torch.float64


@pytest.mark.parametrize(
    ("dtype", "shown"), [("bf61", "'bf61'; did you mean 'bf16'"), (torch.int8, "'torch.int8'; known: auto, bf16")]
)
def test_unknown(dtype: str | torch.dtype, shown: str) -> None:
    with pytest.raises(SettingError, match=f"unknown dtype {shown}"):
        precision.choose(dtype, CPU)
