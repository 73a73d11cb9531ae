"""A file read in a process of its own gives what it gives here, and the process ends with whoever asked."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from media_files import stamps
from PIL import Image

from nonlocal_core.errors import MediaError, MediaLimitError, SelectionError
from nonlocal_core.media import Limits, Selection, apart, read_frames
from nonlocal_core.media.apart import Allowance, ApartReader, _Conversation


@pytest.fixture
def reader() -> Iterator[ApartReader]:
    made = ApartReader(ahead=0)
    yield made
    made.close()


def picture(side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(file, "PNG")
    return file.getvalue()


def nobody(_done: int, _total: int) -> None:
    pass


def test_frames_and_facts_are_those_of_reading_here(reader: ApartReader, tmp_path: Path) -> None:
    data, chosen, path = stamps(6), Selection(frame_indices=(1, 4)), tmp_path / "mine.mp4"
    path.write_bytes(data)
    here = read_frames(data, chosen, name="mine.mp4")
    for source in (data, path):
        there = reader.read_frames(source, chosen, name="mine.mp4", limits=Limits(), tell=nobody)
        assert (there.rgb == here.rgb).all()
        assert (there.pts_seconds == here.pts_seconds).all()
        assert (there.frame_indices == here.frame_indices).all()
        assert (there.info, there.warnings) == (here.info, here.warnings)


@pytest.mark.parametrize(
    ("data", "error", "limits"),
    [
        (b"Dear diary", MediaError, Limits()),
        (picture(), MediaLimitError, Limits(max_pixels=9)),
        (picture(), SelectionError, Limits()),
    ],
)
def test_errors_are_those_of_reading_here(
    data: bytes, error: type[Exception], limits: Limits, reader: ApartReader
) -> None:
    chosen = Selection(frame_indices=(7,))
    with pytest.raises(error) as there:
        reader.read_frames(data, chosen, name="mine", limits=limits, tell=nobody)
    with pytest.raises(error) as here:
        read_frames(data, chosen, name="mine", limits=limits)
    assert str(there.value) == str(here.value)
    assert type(there.value) is type(here.value)


@pytest.mark.parametrize(
    ("allowed", "limit"),
    [
        (Allowance(memory_bytes=2_000_000), r"2 MB of memory \(limit memory_bytes"),
        (Allowance(cpu_seconds=-1.0, cpu_seconds_per_megabyte=0.0), r"-1 s of processor time \(limit cpu_seconds"),
        (Allowance(wall_seconds=0.0), r"0 s \(limit wall_seconds"),
    ],
)
def test_a_process_beyond_its_allowance_is_ended(allowed: Allowance, limit: str) -> None:
    with pytest.raises(MediaLimitError, match=f"Reading mine takes more than {limit}"):
        ApartReader(0, allowed).read_frames(picture(), Selection(), name="mine", limits=Limits(), tell=nobody)
    assert not readers()


def test_a_file_is_allowed_a_second_beyond_eight_for_each_megabyte() -> None:
    allowed = Allowance()
    assert [allowed.cpu_seconds_for(count) for count in (0, 500_000, 3_000_000)] == [8.0, 8.5, 11.0]
    assert (allowed.memory_bytes, allowed.wall_seconds) == (670_000_000, 180.0)
    assert Allowance(cpu_seconds=1.0, cpu_seconds_per_megabyte=4.0).cpu_seconds_for(2_000_000) == 9.0


class _Left(BaseException):
    """Stands for what Streamlit raises in the run of a visitor who has left."""


def test_a_process_ends_with_whoever_asked(reader: ApartReader) -> None:
    def leave(done: int, total: int) -> None:
        assert (done, total) == (0, 1)
        assert len(readers()) == 1
        raise _Left

    with pytest.raises(_Left):
        reader.read_frames(picture(), Selection(), limits=Limits(), tell=leave)
    assert not readers()


def test_a_process_that_dies_is_a_damaged_file(reader: ApartReader) -> None:
    def kill(_done: int, _total: int) -> None:
        for process in readers():
            process.kill()

    with pytest.raises(MediaError, match="mine made its decoder fail"):
        reader.read_frames(picture(), Selection(), name="mine", limits=Limits(), tell=kill)


def test_an_answer_does_not_wait_for_a_process_that_is_slow_to_end(
    reader: ApartReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "GONE_SECONDS", -1.0)  # over before it begins
    assert len(reader.read_frames(picture(), Selection(), limits=Limits(), tell=nobody).rgb[0]) == 40
    for thread in threading.enumerate():
        if thread.name == "apart-end":
            thread.join()
    assert not readers()


def test_nobody_waits_for_the_file_of_another(reader: ApartReader) -> None:
    answers = []

    def meanwhile(_done: int, _total: int) -> None:
        if not answers:
            answers.append(reader.read_frames(picture(), Selection(), limits=Limits(), tell=nobody))

    first = reader.read_frames(picture(60), Selection(), limits=Limits(), tell=meanwhile)
    assert [len(frames.rgb[0]) for frames in (*answers, first)] == [40, 60]


def test_processes_wait_ahead_and_are_replaced() -> None:
    reader = ApartReader(ahead=1)
    reader.start_ahead()
    (waiting,) = readers()
    assert len(reader.read_frames(picture(), Selection(), limits=Limits(), tell=nobody).rgb[0]) == 40
    while not (after := readers()) or after == [waiting]:
        time.sleep(0.01)
    assert not waiting.is_running()
    reader.close()
    assert not readers()


def readers() -> list[psutil.Process]:
    """Return the processes of this one that read files."""
    children = [child for child in psutil.Process(os.getpid()).children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in children if any("apart_child" in part for part in child.cmdline())]


def test_frames_are_writable_as_those_of_reading_here(reader: ApartReader) -> None:
    frames = reader.read_frames(picture(), Selection(), limits=Limits(), tell=nobody)
    assert isinstance(frames.rgb, np.ndarray)
    assert frames.rgb.flags.writeable


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="the system has no niceness")
def test_a_process_gives_way_from_its_first_moment() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    process = apart._started()
    try:
        assert psutil.Process(process.pid).nice() == max(own, apart.NICENESS)
    finally:
        apart._end(process)


@pytest.mark.parametrize(("said", "told"), [([0, 1], (0, 1)), ([1, 1], (1, 1)), ([3, 7], (3, 7)), ([0, 0], (0, 1))])
def test_progress_is_told_as_the_process_says_it_and_never_of_nothing_in_all(
    said: list[int], told: tuple[int, int]
) -> None:
    lines = json.dumps({"progress": said}), json.dumps({"error": "MediaError", "message": "mine is damaged"})
    answering = [sys.executable, "-c", f"import sys; sys.stdin.readline(); print({lines[0]!r}); print({lines[1]!r})"]
    process = subprocess.Popen(answering, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    conversation = _Conversation(process, b"{}\n", b"", lambda head, told: pytest.fail("no frames were sent"))
    conversation.run()
    apart._end(process)
    assert conversation.progress == told
    assert isinstance(conversation.fault, MediaError)
    assert str(conversation.fault) == "mine is damaged"
