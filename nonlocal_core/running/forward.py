"""One forward pass at a time, on the best available device: device choice, memory forecast, half precision."""

import threading
from dataclasses import dataclass
from itertools import chain
from typing import Literal, cast

import psutil
import torch
from torch import Tensor, nn

from nonlocal_core.errors import DeviceMemoryError, UnknownNameError

DeviceChoice = Literal["auto", "cpu", "cuda"]

_SMALLER = "Choose fewer frames or a smaller short side."

_one_at_a_time = threading.Semaphore(1)
"""Lock of the forward pass: two at once would only share the same cores or memory; a waiting one costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Device that a network runs on: its name in torch and its display name."""

    torch_name: str
    title: str

    def free_bytes(self) -> int:
        """Return the memory in bytes that is available now without swapping or failing."""
        if self.torch_name == "cpu":
            return int(psutil.virtual_memory().available)
        free, _total = torch.cuda.mem_get_info()
        return int(free)


def pick_device(choice: DeviceChoice = "auto") -> Device:
    """Return the device to run on: CUDA if there is one, else the CPU.

    Raises UnknownNameError for an unknown word, and for CUDA if there is none.
    """
    usable = ["auto", "cpu", "cuda"] if torch.cuda.is_available() else ["auto", "cpu"]
    if choice not in usable:
        raise UnknownNameError("usable device", choice, usable)
    if choice == "cpu" or "cuda" not in usable:
        return Device(torch_name="cpu", title=f"CPU, {torch.get_num_threads()} threads")
    return Device(torch_name="cuda", title=torch.cuda.get_device_name())


def device_of(network: nn.Module) -> Device:
    """Return the device that a network is on; raises UnknownNameError for one that is neither the CPU nor CUDA."""
    first = next(chain(network.parameters(), network.buffers()), None)
    kind = "cpu" if first is None else first.device.type
    if kind not in ("cpu", "cuda"):
        raise UnknownNameError("usable device", kind, ["cpu", "cuda"])
    return pick_device(cast(DeviceChoice, kind))


def run(network: nn.Module, clip: Tensor, *, device: Device, forecast_bytes: int | None = None) -> Tensor:
    """Return ``network(clip)`` as float32 on the CPU; it is computed in float32 on a CPU, by autocast in half on CUDA.

    ``network``: in eval mode and on the device already, since it is shared and never changed here.
    ``clip``: (1, 3, T, h, w) float32. ``forecast_bytes``: the expected peak memory of the pass.
    Raises DeviceMemoryError, before the run if the forecast exceeds the free memory, or if memory ran out.
    """
    check_free(device, forecast_bytes)
    on_cuda = device.torch_name == "cuda"
    # Not inference_mode: what a network keeps of such a run, a table by size for instance, cannot be trained with.
    with _one_at_a_time, torch.inference_mode(mode=False), torch.no_grad(), torch.autocast("cuda", enabled=on_cuda):
        try:
            output: Tensor = network(clip.to(device.torch_name))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            choice = "Choose fewer frames, a smaller short side, or the CPU." if on_cuda else _SMALLER
            raise DeviceMemoryError(f"{device.title} ran out of memory on {_describe(clip)}. {choice}") from error
        return output.float().cpu()


def check_free(device: Device, forecast_bytes: int | None) -> None:
    """Raise DeviceMemoryError if a device has less free memory than a run is expected to need; None: unknown."""
    free = device.free_bytes()
    if forecast_bytes is not None and forecast_bytes > free:
        raise DeviceMemoryError(
            f"This run needs about {_gib(forecast_bytes)}, and {device.title} has {_gib(free)} free. {_SMALLER}"
        )


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error reports a lack of memory."""
    is_torchs = type(error) is RuntimeError and "can't allocate memory" in str(error)
    return is_torchs or isinstance(error, torch.OutOfMemoryError | MemoryError)


def _describe(clip: Tensor) -> str:
    _, _, frames, height, width = clip.shape
    return f"a clip of {frames} frames of {width} x {height}"


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
