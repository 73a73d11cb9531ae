"""One call of a block, laid out: which queries are checked, what another call shares with it, what cannot be read."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from faulty_readings import VIEW, WIDTH, Attention, D, H, N, Reader, T, W, site_of, tokens

from nonlocal_core.capture import trial
from nonlocal_core.capture.reading import BlockReading, BlockSite, Call, NotReadable
from nonlocal_core.capture.record import BlockCapture
from nonlocal_core.capture.trial import Setting, Trial, read_call
from nonlocal_core.geometry import QueryGrid

SETTING = Setting(view=VIEW, clip_frames=T)


class Changed(Reader):
    """A reader whose reading is changed after it was taken."""

    def __init__(self, layer, **facts):
        super().__init__(layer)
        self.facts = facts

    def read(self, x):
        reading = super().read(x)
        return replace(reading, **{name: make(reading) for name, make in self.facts.items()})


def tried(*, output=None, clip_frames=T, x=None, layer=None, **facts):
    layer = (layer or Attention()).eval()
    x = tokens() if x is None else x
    site = replace(site_of(layer), reader=Changed(layer, **facts))
    with torch.no_grad():
        call = Call(args=(x,), kwargs={}, output=layer(x) if output is None else output)
        return read_call(site, call, "a", replace(SETTING, clip_frames=clip_frames))


def reason(**facts):
    found = tried(**facts)
    assert isinstance(found, NotReadable)
    return found.reason


def test_a_call_is_laid_out_as_one_block_for_each_head():
    found = tried()
    assert isinstance(found, Trial)
    assert [block.name for block in found.blocks] == ["a.head0", "a.head1", "a.head2"]
    assert found.z.shape == (1, N, WIDTH)
    assert torch.equal(found.x, tokens())


def test_what_its_reader_refuses_is_refused_for_its_reason():
    layer = Attention()

    class Refusing:
        def read(self, x):
            return NotReadable("was called with other keys")

    site = BlockSite(name="a", title="a", module=layer, reader=Refusing(), status="trained")
    assert read_call(site, Call(args=(tokens(),), kwargs={}, output=tokens()), "a", SETTING).reason == (
        "was called with other keys"
    )


def test_an_output_of_other_rows_says_its_shape_and_the_queries():
    assert f"returns (1, {N - 1}, {WIDTH}) for {N} queries" in reason(output=tokens()[:, 1:])
    assert "for 30 queries" in reason(rows=lambda reading: lambda z: z.unflatten(1, (7, 5)))  # 30 rows are no 7 x 5


@pytest.mark.parametrize("name", ["theta", "phi", "g", "output"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_the_table_that_is_not_finite_is_named(name, value):
    spoilt = torch.tensor(value)
    if name == "output":
        output = tokens()
        output[0, 3, 2] = value
        said = reason(output=output)
    else:
        said = reason(**{name: lambda reading: torch.cat([getattr(reading, name)[:, :-1], spoilt.expand(3, 1, D)], 1)})
    assert f"not finite ({name})" in said


def test_finite_values_are_not_refused_because_their_sum_overflows():
    large = torch.full((3, 1, D), torch.finfo(torch.float32).max)
    assert isinstance(tried(g=lambda reading: torch.cat([reading.g[:, :-1], large], 1)), Trial)


def test_an_asker_that_is_not_finite_is_found():
    spoilt = torch.full((3, 1, D), torch.nan)
    assert "not finite (theta)" in reason(askers=lambda _: ("class token",), asker_theta=lambda _: spoilt)


def test_grids_and_tables_that_do_not_fit_are_reasons():
    assert reason(clip_frames=1).startswith("has a grid that does not fit the clip: ")
    assert reason(query_thw=lambda _: (T, H, W - 1)).startswith("has tables that do not fit their grid: ")


def test_a_layer_without_an_output_of_its_own_adds_nothing():
    assert not tried().adds_nothing
    assert tried(project=lambda _: lambda y: None).adds_nothing


def test_half_precision_is_seen_in_output_tables_and_autocast():
    assert not tried().is_half
    assert tried(layer=Attention().half(), x=tokens(torch.float16)).is_half
    assert tried(output=tokens(torch.bfloat16)).is_half
    assert tried(theta=lambda reading: reading.theta.half()).is_half
    assert tried(g=lambda reading: reading.g.bfloat16()).is_half
    found = tried()
    with torch.autocast("cpu", torch.bfloat16):
        assert found.is_half


@pytest.mark.parametrize(
    "facts",
    [
        {"scale": lambda reading: 2 * reading.scale},
        {"scope": lambda _: "space"},
        {"pairwise": lambda _: "gaussian"},
        {"residual": lambda _: True},
        {"temporal_groups": lambda _: 2},
        {"theta": lambda reading: reading.theta.half()},
        {"x": tokens().double(), "layer": Attention().double()},
    ],
    ids=["scale", "scope", "pairwise", "residual", "groups", "half", "double"],
)
def test_calls_of_other_maths_sizes_or_precisions_are_no_shape_that_was_met(facts):
    assert tried().shape == tried(x=tokens(seed=5)).shape
    assert tried(**facts).shape != tried().shape


def test_the_effect_is_what_the_block_adds_over_what_it_was_given():
    x = tokens()
    x[0, 4] = 0
    found = tried(x=x, output=1.5 * x, residual=lambda _: True, rows=lambda _: lambda z: z[0])
    expected = np.full(N, 0.5)
    expected[4] = 0
    np.testing.assert_allclose(found.effect, expected, rtol=1e-6)
    assert tried().effect is None


def test_every_query_is_checked_where_that_is_cheap_or_asked(monkeypatch):
    monkeypatch.setattr(trial, "DRAWN_QUERIES", 7)
    found = tried()
    products = N * N * 2 * D * 3
    monkeypatch.setattr(trial, "CHEAP_PRODUCTS", products)
    np.testing.assert_array_equal(found.queries(everywhere=False), np.arange(N))
    monkeypatch.setattr(trial, "CHEAP_PRODUCTS", products - 1)
    np.testing.assert_array_equal(found.queries(everywhere=True), np.arange(N))
    some = found.queries(everywhere=False)
    assert len(set(some)) == 7
    assert (np.diff(some) > 0).all()
    assert some[0] >= 0
    assert some[-1] < N
    np.testing.assert_array_equal(some, tried().queries(everywhere=False))
    assert not np.array_equal(some, tried(x=tokens(seed=1)).queries(everywhere=False))
    monkeypatch.setattr(trial, "DRAWN_QUERIES", N)
    np.testing.assert_array_equal(found.queries(everywhere=False), np.arange(N))


def test_a_batch_of_clips_is_a_fault_of_the_caller():
    from nonlocal_core.errors import CaptureError

    maps = torch.zeros(2, WIDTH, T, H, W)
    with pytest.raises(CaptureError, match="one clip at a time"):
        tried(output=maps, rows=lambda reading: BlockReading.__dataclass_fields__["rows"].default)


@pytest.mark.parametrize(("channels", "checked"), [(32, 1024), (33, 256)])
def test_sixty_seven_million_products_are_cheap_and_beyond_them_256_queries_are_drawn(channels, checked):
    positions, grid = 32 * 32, QueryGrid.over_clip(clip_frames=1, steps=1, rows=32, cols=32)
    table = torch.zeros(1, positions, 32)
    block = BlockCapture(
        name="a",
        title="A",
        pairwise="embedded_gaussian",
        scale=1.0,
        theta=table[0].numpy(),
        phi=table[0].numpy(),
        query_grid=grid,
        key_grid=grid.pooled((1, 1, 1)),
    )
    found = tried()
    reading = replace(found.reading, theta=table, phi=table, g=torch.zeros(1, positions, channels))
    queries = replace(found, reading=reading, blocks=(block,)).queries(everywhere=False)
    assert len(set(queries.tolist())) == len(queries) == checked
