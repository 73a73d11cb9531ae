"""Filters as networks: proved as any other, on a bounded grid, and their rows are what the pixels become."""

import numpy as np
import pytest
import torch
from PIL import Image

from nonlocal_core import CaptureError, Session
from nonlocal_core.ancestors.filters import FILTERS, Bm3d, NlMeans
from nonlocal_core.ancestors.network import MOST_POSITIONS, grid_of, on_grid
from nonlocal_core.bundle.decode import decode_bundle
from nonlocal_core.capture import recording
from nonlocal_core.measures.filtered import filtered, matched_stack, psnr, relative_estimate
from nonlocal_core.query import row as row_of
from nonlocal_core.running.prepared import prepare_model

REBUILT = 1e-4
"""Of the output's range; worst seen 2e-5."""


def moving_square(frames=3, height=30, width=44):
    """Frames of a red square that moves over a green ground with a little texture."""
    rng = np.random.default_rng(0)
    rgb = np.empty((frames, height, width, 3), np.uint8)
    rgb[:] = (40, 150, 60)
    rgb += rng.integers(0, 12, rgb.shape, dtype=np.uint8)
    for t in range(frames):
        rgb[t, 8:18, 6 + 9 * t : 16 + 9 * t] = (200, 40, 40)
    return rgb


@pytest.fixture(scope="module", params=[kind.name for kind in FILTERS])
def session(request):
    return Session.open(moving_square(), request.param, short_side=30)


def test_every_affinity_is_proved_and_shown(session):
    assert session.unreadable == ()
    assert session.capture.classes == ()
    for block in session.capture.blocks:
        assert block.rebuild_error < REBUILT
        assert block.status == "parameter_free"
        assert block.query_grid.shape == (3, 30, 44)
        assert block.warning.startswith("No weights")


def test_what_travels_gives_the_same_rows(session):
    kept = {each.capture.name: each.capture for each in decode_bundle(session.bundle()).blocks}
    for block in session.capture.blocks:
        travelled = kept[block.name]
        asked = {"frame": 1, "x": 0.45, "y": 0.4}
        row = session.query(**asked, block=block.name).values
        cell = travelled.query_grid.index(travelled.query_grid.cell_at(**asked))
        if block.pairwise == "matched":
            np.testing.assert_array_equal(travelled.theta, block.theta)
            np.testing.assert_array_equal(travelled.phi, block.phi)
            continue
        assert travelled.pairwise == "embedded_gaussian"
        scores = travelled.scale * travelled.theta[cell].astype(np.float64) @ travelled.phi.T
        other = np.exp(scores - scores.max())
        np.testing.assert_allclose(other / other.sum(), row, atol=0.006 * row.max())


def test_non_local_means_follows_the_square_into_other_frames():
    session = Session.open(moving_square(), "pixels-nl-means", short_side=30)
    row = session.query(frame=0, x=11 / 44, y=13 / 30)
    for t in range(3):
        inside = row.heat[t, 10:16, 8 + 9 * t : 14 + 9 * t]
        assert inside.sum() > 0.2 * row.heat.sum()
    assert row.heat[:, :4].max() < 1e-3 * row.heat.max()


def test_noise_is_taken_away_again_and_the_same_each_time():
    chosen = NlMeans(h=0.12, noise=0.1)
    found = filtered(Session.open(moving_square(), chosen, short_side=30), frame=1)
    assert found.clean.shape == (30, 44, 3)
    assert found.psnr_before == pytest.approx(20, abs=0.5)  # a deviation of a tenth of the peak
    assert found.psnr_after > found.psnr_before + 5
    again = filtered(Session.open(moving_square(), chosen, short_side=30), frame=1)
    np.testing.assert_array_equal(found.before, again.before)


def test_a_picture_of_one_colour_looks_everywhere_alike():
    session = Session.open(np.full((1, 20, 25, 3), 90, np.uint8), "pixels-nl-means", short_side=20)
    np.testing.assert_allclose(session.query(frame=0, x=0.2, y=0.6).values, 1 / 500, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 224, 224), (8, 224, 398), (64, 224, 398), (1, 20, 1024), (1, 1, 1)])
def test_the_grid_is_bounded_and_keeps_its_shape(shape):
    frames, height, width = shape
    rows, cols = grid_of(*shape)
    assert frames * rows * cols <= MOST_POSITIONS
    assert rows <= height
    assert cols <= width
    assert abs(rows / cols - height / width) < 1.5 * (1 + rows / cols) / cols
    assert on_grid(torch.rand(1, 3, *shape)).shape == (1, 3, frames, rows, cols)


def test_a_pixel_of_the_grid_is_the_mean_of_those_below(monkeypatch):
    monkeypatch.setattr("nonlocal_core.ancestors.network.MOST_POSITIONS", 6)
    clip = torch.rand(1, 3, 1, 4, 6)
    small = on_grid(clip)
    assert small.shape[-2:] == (2, 3)
    torch.testing.assert_close(small[0, :, 0, 1, 2], clip[0, :, 0, 2:, 4:].mean(dim=(1, 2)))


def test_half_precision_around_it_changes_no_row():
    """As on a GPU, where networks run under autocast: scores of hundreds would lose their differences."""
    exact = prepare_model("pixels-nl-means", "cpu").network
    clip = torch.from_numpy(moving_square()).permute(3, 0, 1, 2)[None].float() / 255
    view = exact.input_spec.view_of((30, 44))
    with (
        torch.no_grad(),
        torch.autocast("cpu", torch.bfloat16),
        recording(view=view, clip_frames=3) as record,
    ):
        exact(clip)
    (block,) = record.blocks
    assert record.unreadable == []
    assert block.is_half, "so that it was proved by a copy in float32"
    assert block.rebuild_error < REBUILT
    expected = exact.affinities[0].embed(clip).theta[0]
    np.testing.assert_array_equal(block.theta, expected)


def test_the_card_names_the_settings_and_no_weights():
    card = prepare_model("pixels-nl-means:h=0.2:noise=0.1", "cpu").card
    assert card.id == "pixels-nl-means:h=0.2:noise=0.1"
    assert card.title == "Pixels, non-local means · h 0.2, noise 0.1"
    assert dict(card.weights) == {}


def test_files_leave_as_from_any_network(tmp_path):
    session = Session.open(moving_square(), "pixels-crf", short_side=30)
    picture = session.save(tmp_path / "heat.png", frame=1, x=0.45, y=0.4)
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 500
    table = session.save(tmp_path / "heat.csv", frame=1, x=0.45, y=0.4, block="smoothness").read_text()
    assert "No weights: these are pixels" in table.splitlines()[1]


def test_bm3d_sees_the_same_noise():
    session = Session.open(moving_square(), NlMeans(noise=0.1), short_side=30)
    found, estimate = filtered(session, frame=2), relative_estimate(session, Bm3d(), frame=2)
    assert estimate.shape == found.clean.shape
    assert psnr(estimate, found.clean) > found.psnr_before + 8
    with pytest.raises(CaptureError, match="none was added"):
        relative_estimate(Session.open(moving_square(1), NlMeans(), short_side=10), Bm3d(), frame=0)


def test_bm3d_and_non_local_means_are_each_others_relatives():
    ours = Session.open(moving_square(), Bm3d(noise=0.1, threshold=2), short_side=30)
    theirs = Session.open(moving_square(), NlMeans(noise=0.1, h=0.08), short_side=30)
    np.testing.assert_array_equal(filtered(ours, frame=1).after, relative_estimate(theirs, Bm3d(threshold=2), frame=1))
    means = relative_estimate(ours, NlMeans(h=0.08), frame=1)
    np.testing.assert_allclose(means, filtered(theirs, frame=1).after, atol=2e-5)


def test_the_row_of_a_block_is_its_stack_in_all_frames():
    session = Session.open(moving_square(), Bm3d(noise=0.1), short_side=30)
    for asked in ({"frame": 0, "x": 11 / 44, "y": 13 / 30}, {"frame": 2, "x": 0.0, "y": 0.99}):
        row = session.query(**asked)
        matched, around = matched_stack(session, row.query)
        assert {row.grid.cell(int(j)) for j in np.flatnonzero(row.values)} == set(matched.cells)
        np.testing.assert_allclose(row.values[row.values > 0], 1 / 16)
        assert around.shape == (3, 37, 51, 3)
        looked_at = session.column(frame=row.query.t, x=asked["x"], y=asked["y"]).values
        several = [session.block().query_grid.cell(i) for i in (5, 700, 2100)]
        for cell in several:
            mine = row_of(session.block(), cell).values[row.grid.index(row.query)]
            assert looked_at[row.grid.index(cell)] == pytest.approx(mine)
