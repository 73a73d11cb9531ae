"""A copy of a block and of its reader, in another precision or with other weights, that runs beside the network."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from nonlocal_core.capture.copies import cast, copied_apart, settle_weight_norms
from nonlocal_core.capture.reading import BlockSite, Call

_SEED = 7


def twin_of(site: BlockSite) -> BlockSite:
    """Return a copy of a block and of its reader, bound to each other and independent of the network.

    Raises whatever a foreign module raises when it is copied.
    """
    module, reader, inputs = copied_apart((site.module, site.reader, site.inputs))
    return replace(site, module=module, reader=reader, inputs=inputs)


def run_twin(twin: BlockSite, call: Call, dtype: torch.dtype) -> Call:
    """Return the call of a copy on the arguments of another call, in another precision and without autocast.

    Raises whatever a foreign module raises when it runs.
    """
    device = next((part.device for part in twin.module.parameters()), torch.device("cpu"))
    args, kwargs = _moved(call.args, device, dtype), _moved(call.kwargs, device, dtype)
    with torch.autocast(device.type, enabled=False):
        return Call(args=args, kwargs=kwargs, output=twin.module(*args, **kwargs))


def randomise(module: nn.Module) -> None:
    """Give a copy weights that make every part of its maths visible in its output, in float64 on the CPU."""
    module.eval()  # which returns nothing in some classes
    cast(module, "cpu", torch.float64)
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for parameter in module.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * fan_in**-0.25)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
            elif name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator))
        settle_weight_norms(module)


def with_noise(call: Call, x: Any) -> Call:
    """Return the call with random numbers of the same shape instead of the input; equal tensors stay equal.

    ``x``: the input, or several of one shape (query, key and value); other arguments, such as masks, stay.
    """
    generator = torch.Generator().manual_seed(_SEED)
    inputs = {id(part): part for part in (x if isinstance(x, tuple) else (x,)) if isinstance(part, Tensor)}
    shape = next(iter(inputs.values())).shape
    channels = shape[1] if len(shape) > 3 else shape[-1]
    noise = {
        key: torch.randn(shape, generator=generator) / channels**0.25
        for key, part in inputs.items()
        if part.shape == shape and part.is_floating_point()
    }
    args = tuple(noise.get(id(value), value) for value in call.args)
    kwargs = {name: noise.get(id(value), value) for name, value in call.kwargs.items()}
    return Call(args=args, kwargs=kwargs, output=call.output)


def _moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Return the arguments of a call on a device, with floating-point tensors in a given precision."""
    match value:
        case Tensor():
            return value.to(device, dtype if value.is_floating_point() else value.dtype)
        case tuple() if not hasattr(value, "_fields"):
            return tuple(_moved(part, device, dtype) for part in value)
        case list():
            return [_moved(part, device, dtype) for part in value]
        case dict():
            return {name: _moved(part, device, dtype) for name, part in value.items()}
    return value
