"""Heat on real pictures: what has little of the weight is left alone, what has much of it can be seen.

Every sample of the installation and the nine clips and five pictures of ``real_clips``, at their own first questions.
"""

import numpy as np
import pytest
from cielab import cielab
from real_clips import CLIPS, real_clip

from nonlocal_core import Session, list_samples
from nonlocal_core.geometry import spread
from nonlocal_core.look import Look, heat_of, muted
from nonlocal_core.look.palette import coded, linear
from nonlocal_core.render import paint

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
SEEN = 8.0  # CIELAB distance
PART_SEEN = 0.95
LUMINANCE_CHANGED = 0.02


def luminance(picture):
    return linear(picture / 255) @ LUMINANCE


@pytest.mark.parametrize(
    ("sample", "network"),
    [*((sample.id, "default") for sample in list_samples()), ("coins", "lite0-dot-product")],
)
def test_little_weight_leaves_the_picture_alone_and_much_is_seen(sample, network):
    check(Session.open(f"sample:{sample}", network))


@pytest.mark.parametrize("name", [name for name in CLIPS if name not in ("bikes", "bunny")])
def test_it_is_so_on_clips_that_are_not_shipped(name):
    check(real_clip(name).open())


def check(session):
    """Hold a clip's answer to the limits; return the largest change of luminance where little is looked at, and the
    part of the strong cells' pixels that is seen."""
    row = session.answer(session.first_question())
    heat = heat_of(row, Look())
    seen, of, changed = 0, 0, 0.0
    for index, frame in enumerate(session.frames.rgb):
        t = row.grid.find_t(index)
        painted = paint(frame, heat, t, row.grid)
        times, covered = spread(heat.times[t], row.grid, size_hw=frame.shape[:2])
        below = (times <= 1) & covered
        changed = max(changed, float(np.abs(luminance(painted) - luminance(frame))[below].max(initial=0)))
        assert (painted[below] == muted(frame)[below]).all()
        strong = (times >= 3) & covered
        away = np.linalg.norm(cielab(painted[strong]) - cielab(muted(frame)[strong]), axis=-1)
        seen, of = seen + int((away >= SEEN).sum()), of + int(strong.sum())
    assert of > 0
    assert changed < LUMINANCE_CHANGED
    assert seen / of >= PART_SEEN
    return changed, seen / of


@pytest.mark.parametrize("light", [0.1, 0.02, 0.0])
def test_heat_is_seen_on_a_very_dark_clip_and_darkens_none(light):
    session = Session.open("sample:bunny")
    asked = session.first_question()
    row = session.query(frame=asked.frame, x=asked.x, y=asked.y)
    heat, away, brighter = heat_of(row, Look()), [], []
    for index, bright in enumerate(session.frames.rgb):
        frame = np.rint(255 * coded(light * linear(bright / 255))).astype(np.uint8)
        t = row.grid.find_t(index)
        painted, base = paint(frame, heat, t, row.grid), muted(frame)
        times, covered = spread(heat.times[t], row.grid, size_hw=frame.shape[:2])
        assert (painted[covered & (times <= 1)] == base[covered & (times <= 1)]).all()
        strong = (times >= 3) & covered
        away += np.linalg.norm(cielab(painted[strong]) - cielab(base[strong]), axis=-1).tolist()
        brighter += (luminance(painted[strong]) >= luminance(base[strong])).tolist()
    assert np.mean(np.array(away) >= SEEN) >= PART_SEEN
    assert np.mean(brighter) >= PART_SEEN
