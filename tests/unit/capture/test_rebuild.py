"""The rebuilt output against float64 loops: what its error is measured by, and what it would not show."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from faulty_readings import HEADS, VIEW, WIDTH, Attention, D, N, Reader, T, site_of, tokens
from torch import nn

from nonlocal_core.capture import rebuild as rebuilding
from nonlocal_core.capture.reading import Call
from nonlocal_core.capture.rebuild import rebuild
from nonlocal_core.capture.trial import Setting, read_call

EVERY = np.arange(N)
TOLERANCE = 1e-3
CLOSE = 1e-3  # relative, of a figure that is a maximum over channels; tables are float32


def tried(layer, *, fault=None, output=None, x=None, reader=None, **setting):
    x = tokens() if x is None else x
    site = site_of(layer, fault) if reader is None else replace(site_of(layer), reader=reader)
    layer.requires_grad_(requires_grad=False)
    call = Call(args=(x,), kwargs={}, output=layer(x) if output is None else output)
    return read_call(site, call, "a", Setting(view=VIEW, clip_frames=T, **setting))


def noise(largest, steps=64):
    """Rounding errors at the largest value of a channel, as an error of at most the tolerance."""
    return steps * torch.finfo(torch.float32).eps / TOLERANCE * largest


def oracle_error(layer, output, fault=None):
    """The largest difference of the output and the formula, by loops, each channel by half its range."""
    reading = Reader(layer, fault).read(tokens())
    theta, phi, g = (np.float64(table.detach()) for table in (reading.theta, reading.phi, reading.g))
    y = np.zeros((N, WIDTH))
    for head in range(HEADS):
        for query in range(N):
            scores = [reading.scale * float(theta[head, query] @ phi[head, key]) for key in range(N)]
            weights = np.exp(np.array(scores) - max(scores))
            y[query, head * D : (head + 1) * D] = weights / weights.sum() @ g[head]
    rebuilt = np.float64(layer.out.double()(torch.from_numpy(y)).detach())
    layer.float()
    z = np.float64(output[0].detach())
    largest = np.abs(z).max(axis=0)
    measure = np.ptp(z, axis=0) / 2 + noise(np.maximum(largest, np.sort(largest)[(len(largest) - 1) // 2]))
    return (np.abs(z - rebuilt).max(axis=0) / measure).max()


@pytest.mark.parametrize("fault", ["wrong scale", "swapped heads", "dropped bias of v"])
def test_the_error_is_the_largest_difference_by_half_the_range_of_its_channel(fault):
    layer = Attention().eval()
    output = layer(tokens())
    expected = oracle_error(layer, output, fault)
    found = rebuild(tried(layer, fault=fault), EVERY, tolerance=TOLERANCE).error
    assert expected > 0.01
    assert found == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize("at", [(0, 0), (N - 1, WIDTH - 1), (17, 5)])
def test_one_wrong_number_of_the_output_is_found_with_its_size(at):
    layer = Attention().eval()
    output = layer(tokens()).detach()
    output[0][at] += 0.1
    found = rebuild(tried(layer, output=output), EVERY, tolerance=TOLERANCE).error
    assert found == pytest.approx(oracle_error(layer, output), rel=CLOSE)
    elsewhere = np.delete(EVERY, at[0])
    assert rebuild(tried(layer, output=output), elsewhere, tolerance=TOLERANCE).error < 1e-4


def test_a_channel_of_one_value_may_hold_64_roundings_of_float32():
    layer = Attention().eval()
    with torch.no_grad():
        layer.out.weight[3] = 0
        layer.out.bias[3] = 64.0  # whose rounding is a step of float32 itself
    output = layer(tokens()).detach()
    output[0, 4, 3] += 64 * torch.finfo(torch.float32).eps * 64
    found = rebuild(tried(layer, output=output), EVERY, tolerance=TOLERANCE).error
    assert found == pytest.approx(TOLERANCE * 64 / (64 + 32 * TOLERANCE), rel=CLOSE)  # half of them are its range


def test_half_precision_may_hold_16_of_its_own_roundings():
    layer = Attention().eval().half()
    x = tokens(torch.float16)
    with torch.no_grad():
        layer.out.weight[3] = 0
        layer.out.bias[3] = 64.0
    output = layer(x).detach()
    output[0, 4, 3] += 4 * torch.finfo(torch.float16).eps * 64  # 64.25, the largest value of the channel
    found = rebuild(tried(layer, x=x, output=output), EVERY, tolerance=0.5).error
    assert found == pytest.approx(4 * 64 / (16 / 0.5 * 64.25 + 2 * 64), rel=CLOSE)
    assert rebuild(tried(layer, x=x, output=output), EVERY, tolerance=TOLERANCE).error < 0.05


def test_the_output_shows_rows_as_far_as_its_last_layer_lets_it():
    layer = Attention().eval()
    whole = rebuild(tried(layer), EVERY, tolerance=TOLERANCE).sensitivity
    assert whole > 0.1
    with torch.no_grad():
        layer.out.weight[:, D : 2 * D] *= 1e-4  # of the second head next to nothing
    weak = rebuild(tried(layer), EVERY, tolerance=TOLERANCE).sensitivity
    assert weak < 1e-3 * whole
    with torch.no_grad():
        layer.out.weight[:, D : 2 * D] = 0
    assert rebuild(tried(layer), EVERY, tolerance=TOLERANCE).sensitivity == 0


def test_rows_near_their_mean_show_little_however_much_other_rows_would():
    layer = Attention().eval()
    with torch.no_grad():
        layer.q.weight[:D] *= 1e-6
        layer.q.bias[:D] = 0
    assert rebuild(tried(layer), EVERY, tolerance=TOLERANCE).sensitivity < 1e-3


def test_one_head_that_is_hidden_among_visible_ones_is_the_one_that_counts():
    layer = Attention().eval()
    nn.init.zeros_(layer.out.weight)
    with torch.no_grad():
        layer.out.weight[:, :D] = torch.randn(WIDTH, D, generator=torch.Generator().manual_seed(0))
    assert rebuild(tried(layer), EVERY, tolerance=TOLERANCE).sensitivity == 0


@pytest.mark.parametrize("seconds", [-1.0, 1e9])
def test_a_check_that_takes_long_says_how_far_it_is(monkeypatch, seconds):
    monkeypatch.setattr(rebuilding, "PROGRESS_SECONDS", seconds)
    told = []
    rebuild(tried(Attention().eval(), tell=lambda *step: told.append(step)), EVERY[:9], tolerance=TOLERANCE)
    assert told == ([("Checking every row of Layer a", 9, 9)] if seconds < 0 else [])


def test_a_check_is_long_from_its_second_second_on(monkeypatch):
    now, told = [100.0], []
    monkeypatch.setattr(rebuilding.time, "monotonic", lambda: now[0])
    rebuild_one = tried(Attention().eval(), tell=lambda *step: told.append(step[1:]))
    step = rebuilding._after_a_while(rebuild_one.tell, "Checking", 9)
    for now[0], done in ((100.5, 3), (101.0, 5), (101.5, 7)):
        step(done)
    assert told == [(7, 9)]


class Contrasting(Attention):
    """Attention to the differences of the values from a query's own."""

    def forward(self, x):
        q, k, v = self.heads(x)
        y = (q @ k.mT * self.scale).softmax(-1) @ v - v
        return self.out(y.transpose(0, 1).flatten(1)[None])


class ContrastingReader(Reader):
    def read(self, x):
        return replace(super().read(x), contrasts=True)


def test_a_block_that_contrasts_is_rebuilt_without_the_own_value_of_each_query():
    layer = Contrasting().eval()
    found = rebuild(tried(layer, reader=ContrastingReader(layer)), EVERY, tolerance=TOLERANCE)
    assert found.error < 1e-4
    assert found.sensitivity > 0.1
    assert rebuild(tried(layer), EVERY, tolerance=TOLERANCE).error > 0.1
    with torch.no_grad():
        layer.q.weight[:D] *= 1e-6
        layer.q.bias[:D] = 0  # the rows of a head are their mean
    assert rebuild(tried(layer, reader=ContrastingReader(layer)), EVERY, tolerance=TOLERANCE).sensitivity < 1e-3
