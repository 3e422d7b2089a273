"""Which floating-point type to compute in."""

import platform
import warnings

import torch

from capotasto.errors import SettingError, nearest

NAMES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp64": torch.float64}


def choose(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """The type for `dtype`: "auto", "fp32", "bf16", "fp64", or a torch type.

    "auto" is bf16 where the device computes it natively, and fp32 elsewhere.
    """
    if dtype == "auto":
        return torch.bfloat16 if native_bf16(device) else torch.float32
    chosen = NAMES.get(dtype) if isinstance(dtype, str) else dtype
    if chosen is None or chosen not in NAMES.values():
        raise SettingError(f"unknown dtype {str(dtype)!r}; {nearest(str(dtype), ['auto', *NAMES])}")
    if chosen is torch.bfloat16 and not native_bf16(device):
        warnings.warn(
            f"bf16 is emulated on this {device.type} device ({platform.machine()}) and many times slower than fp32; "
            "use dtype auto or fp32 unless memory is short",
            stacklevel=2,
        )
    return chosen


def native_bf16(device: torch.device) -> bool:
    """True for CUDA devices from compute capability 8.0, and processors with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
