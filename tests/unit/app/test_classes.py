"""Classes: marks by code and question, without names, and never more than they may hold."""

import pytest

from nonlocal_core.app.server import classes
from nonlocal_core.app.server.classes import Classes, code_in
from nonlocal_core.errors import ClassError


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def held(clock):
    return Classes(clock)


def test_marks_of_readers_are_counted_and_a_second_time_replaces_the_first(held):
    code = held.begin("teacher")
    held.mark(code, "a", "q", [0, 2])
    held.mark(code, "b", "q", [2, 3])
    held.mark(code, "a", "q", [3, 3])
    held.mark(code, "c", "q", [])
    held.mark(code, "c", "other", [1])
    assert held.together(code, "q", 5) == classes.Together(2, (0, 0, 1, 2, 0))
    assert held.together(code, "other", 2).counts == (0, 1)
    assert held.together(code, "never", 3) == classes.Together(0, (0, 0, 0))
    assert held.owns(code, "teacher")
    assert not held.owns(code, "a")


def test_cells_beyond_the_frame_count_nowhere_and_impossible_ones_are_refused(held):
    code = held.begin("teacher")
    held.mark(code, "a", "q", [1, 7])
    assert held.together(code, "q", 4).counts == (0, 1, 0, 0)
    for cells in ([-1], [classes.MOST_CELLS]):
        with pytest.raises(ClassError, match="smaller clip"):
            held.mark(code, "a", "q", cells)


def test_a_class_is_forgotten_when_nobody_uses_it(held, clock):
    first, second = held.begin("a"), held.begin("b")
    clock.now = classes.IDLE_SECONDS - 1
    held.mark(first, "c", "q", [1])
    clock.now = classes.IDLE_SECONDS + 1
    assert held.together(first, "q", 2).readers == 1
    with pytest.raises(ClassError, match="no class of this code"):
        held.together(second, "q", 2)


def test_what_is_held_is_bounded(held, monkeypatch):
    monkeypatch.setattr(classes, "MOST_CLASSES", 5)
    monkeypatch.setattr(classes, "MOST_READERS", 2)
    monkeypatch.setattr(classes, "MOST_QUESTIONS", 3)
    own = [held.begin("one") for _ in range(4)]
    assert not held.owns(own[0], "one"), "the oldest of one's own makes room"
    assert held.owns(own[1], "one")
    for reader in ("two", "three"):
        held.begin(reader)
    with pytest.raises(ClassError, match="5 classes"):
        held.begin("four")
    code = own[-1]
    for question in ("q1", "q2", "q3", "q4"):
        held.mark(code, "a", question, [0])
    assert held.together(code, "q1", 1).readers == 0
    held.mark(code, "b", "q4", [0])
    with pytest.raises(ClassError, match="2 readers"):
        held.mark(code, "c", "q4", [0])
    held.mark(code, "b", "q4", [1])


def test_a_code_is_read_as_it_is_said_aloud_and_nothing_else_is_one():
    code = Classes().begin("teacher")
    assert code_in(code) == code
    assert code_in(f" {code[:3].lower()} {code[3:]} ") == code
    for other in (None, 7, "", "ABC", f"{code}X", "ABC1O0", "<b>AA>", ["A"] * 6):
        assert code_in(other) is None
