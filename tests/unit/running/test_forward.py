"""One pass at a time, on the device there is: CUDA is a stand-in here, so that what it is told can be seen."""

import threading
import time
from contextlib import contextmanager

import psutil
import pytest
import torch
from torch import nn

from nonlocal_core.errors import DeviceMemoryError, UnknownNameError
from nonlocal_core.running import forward
from nonlocal_core.running.forward import Device, device_of, is_out_of_memory, pick_device, run

CPU = Device(torch_name="cpu", title="CPU")
CLIP = torch.rand(1, 3, 2, 4, 6)


class Doubled(nn.Module):
    """A network that says in which mode it was run."""

    def forward(self, x):
        self.seen = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
        return 2 * x.double()


class Failing(nn.Module):
    """A network that raises."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


@pytest.fixture
def with_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A card")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3 * 2**30, 8 * 2**30))


def test_without_cuda_the_cpu_runs_and_cuda_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    threads = f"CPU, {torch.get_num_threads()} threads"
    assert {pick_device(choice) for choice in ("auto", "cpu")} == {Device(torch_name="cpu", title=threads)}
    with pytest.raises(UnknownNameError, match="cuda"):
        pick_device("cuda")


def test_with_cuda_it_is_taken_unless_the_cpu_is_asked_for(with_cuda):
    assert pick_device() == pick_device("cuda") == Device(torch_name="cuda", title="A card")
    assert pick_device("cpu").torch_name == "cpu"
    assert pick_device().free_bytes() == 3 * 2**30


def test_the_free_memory_of_the_cpu_is_what_can_be_had(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 12345, "total": 99999})())
    assert CPU.free_bytes() == 12345


def test_a_network_is_run_where_its_parameters_or_buffers_are():
    assert device_of(nn.Identity()).torch_name == device_of(nn.Linear(1, 1)).torch_name == "cpu"
    module = nn.Identity()
    module.register_buffer("kept", torch.zeros(1, device="meta"))
    with pytest.raises(UnknownNameError, match="meta"):
        device_of(module)


def test_an_output_comes_as_float32_from_a_run_that_can_be_trained_after():
    network = Doubled()
    with torch.inference_mode():
        output = run(network, CLIP, device=CPU)
    assert network.seen == (False, False)
    assert (output.dtype, output.device.type, output.is_inference()) == (torch.float32, "cpu", False)
    assert torch.equal(output, 2 * CLIP)


def test_a_forecast_is_refused_before_the_run_where_it_is_not_free(monkeypatch):
    monkeypatch.setattr(Device, "free_bytes", lambda _: 2**30)
    network = Doubled()
    run(network, CLIP, device=CPU, forecast_bytes=2**30)
    del network.seen
    with pytest.raises(DeviceMemoryError, match=r"about 1\.5 GiB, and CPU has 1\.0 GiB free\. Choose fewer"):
        run(network, CLIP, device=CPU, forecast_bytes=3 * 2**29)
    assert not hasattr(network, "seen")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
)
def test_memory_that_runs_out_is_a_sentence_with_the_clip_and_the_remedy(error):
    assert is_out_of_memory(error)
    with pytest.raises(DeviceMemoryError, match=r"memory on a clip of 2 frames of 6 x 4\. Choose fewer frames"):
        run(Failing(error), CLIP, device=CPU)


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError("memory")])
def test_another_error_of_a_network_stays_what_it_is(error):
    assert not is_out_of_memory(error)
    with pytest.raises(type(error), match=str(error)):
        run(Failing(error), CLIP, device=CPU)


def test_on_cuda_the_clip_is_moved_computed_by_autocast_and_the_cpu_is_another_remedy(with_cuda, monkeypatch):
    asked, moved = [], []

    @contextmanager
    def autocast(device, *, enabled):
        asked.append((device, enabled))
        yield

    monkeypatch.setattr(forward.torch, "autocast", autocast)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, where: moved.append(where) or tensor)
    with pytest.raises(DeviceMemoryError, match="or the CPU"):
        run(Failing(MemoryError()), CLIP, device=pick_device("cuda"))
    assert (asked, moved) == ([("cuda", True)], ["cuda"])
    run(nn.Identity(), CLIP, device=CPU)
    assert asked[1] == ("cuda", False)


def test_passes_wait_for_each_other():
    inside, most = [], []

    class Slow(nn.Module):
        def forward(self, x):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()
            return x

    threads = [threading.Thread(target=run, args=(Slow(), CLIP), kwargs={"device": CPU}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
