"""Steps of the course: each has a stage whose network, block and sliders exist."""

import pytest

from nonlocal_core.ancestors.filters import is_filter, parse_filter
from nonlocal_core.course import stages as course
from nonlocal_core.course.words import learn
from nonlocal_core.errors import UnknownNameError
from nonlocal_core.weights import list_models
from nonlocal_core.weights.catalog import find_card

STEPS = learn().steps


def test_every_step_has_a_stage_whose_network_and_settings_exist():
    assert course.step_ids() == tuple(course._STAGES)
    assert 12 <= len(STEPS) <= 16
    for step in STEPS:
        stage = course.stage_of(step.id)
        if is_filter(stage.model):
            chosen = parse_filter(stage.model)
            assert set(stage.sliders) <= set(chosen.settings)
            assert stage.block is None or stage.block in chosen.blocks
        else:
            card = find_card(stage.model)
            assert stage.variant or stage.block is None or stage.block in card.blocks


def test_what_a_step_shows_depends_on_the_clip_and_on_where_it_is_shown():
    """On one frame a sentence is added where the step has one; in a file the task may be another."""
    for step in STEPS:
        film, still = (course.shown(step.id, frame_count=count) for count in (2, 1))
        assert film["words"] == step.words
        assert still["words"] == f"{step.words} {step.still}".strip()
        assert film["attempt"] == step.attempt
        assert course.shown(step.id, frame_count=2, alone=True)["attempt"] == (step.alone or step.attempt)
    assert any(step.still for step in STEPS)
    assert any(step.alone for step in STEPS)


def test_the_menu_of_a_lesson_has_its_steps_in_their_order():
    titles = {step.id: step.title for step in STEPS}
    assert course.contents(("cost", "local")) == [{"id": name, "title": titles[name]} for name in ("cost", "local")]


@pytest.mark.parametrize("ask", [course.words_of, course.stage_of, lambda step: course.shown(step, frame_count=2)])
def test_a_step_that_is_not_there_is_answered_with_those_that_are(ask):
    with pytest.raises(UnknownNameError, match=", ".join(course.step_ids())):
        ask("attention")


def test_a_network_is_taught_by_a_step_that_is_there_and_compares_as_it_does():
    """Where a network is one of the catalog, its step's network has its pairwise function."""
    for card in list_models():
        step = course.step_of_model(card.id)
        stage = course.stage_of(step)
        if not is_filter(stage.model):
            assert find_card(stage.model).pairwise == card.pairwise, card.id
    assert {course.step_of_model(name) for name in ("pixels-nl-means", "pixels-crf")} == {"nl-means", "graphical"}
    assert course.step_of_model("default") == course.step_of_model(course.EMBEDDED)
    assert course.step_of_model("caffe2-i3d-r50-nl5-8x8") is None
