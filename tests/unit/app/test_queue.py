"""Whoever waits is told a place and a time, in the order in which they came, and loses it by leaving."""

import threading

import pytest

from nonlocal_core.app.server.queue import Place, Queue


def test_those_who_wait_are_served_in_their_order_and_told_their_place():
    queue, told, served = Queue(), {}, []
    hold, lined_up = threading.Event(), [threading.Event() for _ in range(3)]

    def visit(number):
        def tell(place):
            told.setdefault(number, []).append((place.number, place.count))
            lined_up[number].set()

        with queue.turn(tell):
            served.append(number)
            if number == 0:
                lined_up[0].set()
                hold.wait()

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(3)]
    for thread, there in zip(threads, lined_up, strict=True):
        thread.start()
        there.wait()
    hold.set()
    for thread in threads:
        thread.join()
    assert served == [0, 1, 2]
    assert 0 not in told
    assert told[1][0] == (1, 1)
    assert told[2][0] == (2, 2)


def test_whoever_leaves_makes_room():
    queue = Queue()

    def leave(_):
        raise KeyboardInterrupt

    with queue.turn(leave), pytest.raises(KeyboardInterrupt), queue.turn(leave):
        raise AssertionError("it was not their turn")
    with queue.turn(leave):
        pass


def test_some_are_served_beside_each_other_and_a_visitor_has_one_turn():
    queue, served = Queue(2, "the files of others"), []

    def leave(place):
        served.append(place.words)
        raise KeyboardInterrupt

    with queue.turn(leave, "ann"):
        with pytest.raises(KeyboardInterrupt), queue.turn(leave, "ann"):
            raise AssertionError("a second place for the same visitor")
        with queue.turn(leave, "ben"), pytest.raises(KeyboardInterrupt), queue.turn(leave, "cleo"):
            raise AssertionError("a third place")
        with queue.turn(leave, None):
            pass
    assert served == 2 * ["Waiting for the files of others: 1st of 1"]


def test_whoever_waits_for_a_turn_of_their_own_holds_up_nobody():
    queue, order = Queue(2), []
    waits = threading.Event()

    def visit():
        with queue.turn(lambda _: waits.set(), "ann"):
            order.append("ann's second")

    with queue.turn(lambda _: None, "ann"):
        second = threading.Thread(target=visit)
        second.start()
        waits.wait()
        with queue.turn(lambda _: None, "ben"):
            order.append("ben")
    second.join()
    assert order == ["ben", "ann's second"]


def test_a_place_has_a_time_once_one_turn_is_over():
    queue, places = Queue(), []

    def leave(place):
        places.append(place)
        raise KeyboardInterrupt

    for _ in range(2):
        with queue.turn(leave), pytest.raises(KeyboardInterrupt), queue.turn(leave):
            pass
    assert places[0].seconds == 0
    assert places[1].seconds > 0
    assert Place(number=11, count=12, seconds=0).words == "Waiting for the run before this one: 11th of 12"
    assert "23rd of 24, about 1 s" in Place(number=23, count=24, seconds=0.2).words
