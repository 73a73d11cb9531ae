"""Reading of untrusted files in a separate process that can be stopped: see ``apart_child``.

The two exchange one line of JSON and plain bytes, never pickled objects: a compromised decoder could answer with one,
and unpickling it would run its code here.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, cast

import psutil

from nonlocal_core import errors
from nonlocal_core.errors import MediaError, MediaLimitError
from nonlocal_core.media.frames import Frames
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.selection import Selection
from nonlocal_core.media.wire import error_in, frames_in

Tell = Callable[[int, int], None]

CHILD = "nonlocal_core.media.apart_child"
NICENESS = 10
"""Niceness of the processes, so that pages and networks go first."""
LOOK_SECONDS = 0.05
"""Seconds between two checks of a process, and between two reports to its listener."""
GONE_SECONDS = 5.0
"""Seconds that a process has to end after it was told to do so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Maximum resources for a process that reads one file."""

    memory_bytes: int = 670_000_000
    """A file costs 700 MB at most; between two checks a process took up to 25 MB more."""
    cpu_seconds: float = 8.0
    cpu_seconds_per_megabyte: float = 1.0
    """Processor time for each megabyte of the file, added to ``cpu_seconds``."""
    wall_seconds: float = 180.0

    def cpu_seconds_for(self, byte_count: int) -> float:
        """Return the seconds of processor time for a file of ``byte_count`` bytes."""
        return self.cpu_seconds + self.cpu_seconds_per_megabyte * byte_count / 1e6


DEFAULT_ALLOWANCE = Allowance()


class ApartReader:
    """Reader of files, each in a new process; a few are started ahead. Safe to use from several threads.

    ``ahead``: the number of processes that wait for a file once ``start_ahead`` was called; used ones are replaced.
    ``again``: whether a process that read a file successfully reads the next one too, for trusted files: starting a
    process takes as long as reading a small clip.
    """

    def __init__(self, ahead: int, allowance: Allowance = DEFAULT_ALLOWANCE, *, again: bool = False) -> None:
        self._ahead, self._allowance, self._again = ahead, allowance, again
        self._waiting: deque[subprocess.Popen[bytes]] = deque()
        self._lock = threading.Lock()
        self._keeps = False

    def start_ahead(self) -> None:
        """Start processes until enough of them wait."""
        with self._lock:
            self._keeps = True
            while len(self._waiting) < self._ahead:
                self._waiting.append(_started())

    def close(self) -> None:
        """End the processes that wait."""
        with self._lock:
            self._keeps = self._again = False
            while self._waiting:
                _end(self._waiting.pop())

    def read_frames(
        self,
        source: Path | bytes,
        selection: Selection,
        *,
        name: str | None = None,
        limits: Limits,
        max_side: int = 1024,
        tell: Tell,
    ) -> Frames:
        """Return the frames that ``read_frames`` returns, read by another process.

        ``tell(done, total)`` is called repeatedly while the process works. If it raises, as it does once a visitor has
        left, the process is ended. Raises the errors of ``read_frames``, and MediaLimitError if the process exceeds its
        allowance.
        """
        content = source if isinstance(source, bytes) else b""
        asked = {"selection": asdict(selection), "max_side": max_side, "name": name, "limits": asdict(limits)}
        asked |= {"path": None if isinstance(source, bytes) else str(source.resolve()), "byte_count": len(content)}
        with self._lock:
            process = self._waiting.popleft() if self._waiting else None
        if process is None or process.poll() is not None:
            process = _started()
        is_fit = False
        try:
            size = len(content) or _size_of(source)
            conversation = _Conversation(
                process,
                json.dumps(asked).encode() + b"\n",
                content,
                lambda head, told: frames_in(head, told, most=limits.max_frames, max_side=max_side),
            )
            answer = _watched(process, conversation, self._allowance, size, name or "This file", tell)
            is_fit = True
            return answer
        finally:
            with self._lock:
                if is_again := is_fit and self._again:
                    self._waiting.append(process)
            if not is_again:
                _end(process)
            if self._keeps:
                threading.Thread(target=self.start_ahead, daemon=True).start()


def _size_of(source: Path | bytes) -> int:
    try:
        return source.stat().st_size if isinstance(source, Path) else len(source)
    except OSError:  # the reader says what is wrong with it
        return 0


def _started() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 -- ourselves
    if hasattr(os, "setpriority"):  # from its first moment: half a second of imports, while a network runs
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, process.pid, max(own, NICENESS))
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    try:
        process.wait(GONE_SECONDS)
    except subprocess.TimeoutExpired:  # on a busy machine; nobody waits for it, but it does not stay as a zombie either
        threading.Thread(target=process.wait, name="apart-end", daemon=True).start()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:  # what it was not read of the file is of no use to anybody
                continue


class _Conversation(threading.Thread):
    """Exchange of a question and its answer in a thread, since both may block while the process runs."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        head: bytes,
        content: bytes,
        read: Callable[[dict[str, Any], BufferedReader], Frames],
    ) -> None:
        super().__init__(name="apart", daemon=True)
        self.progress = (0, 1)
        self.answer: Frames | None = None
        self.fault: Exception | None = None
        self._process, self._head, self._content, self._read = process, head, content, read

    def run(self) -> None:
        """Send and read until there is an answer or the process is gone."""
        sent, told = cast(IO[bytes], self._process.stdin), cast(BufferedReader, self._process.stdout)
        try:
            sent.write(self._head)
            sent.write(self._content)
            sent.flush()
            for line in told:
                head = json.loads(line)
                if "progress" in head:
                    done, total = head["progress"]
                    self.progress = (int(done), max(int(total), 1))
                    continue
                if "error" in head:
                    self.fault = error_in(head)
                else:
                    self.answer = self._read(head, told)
                return
        except (OSError, ValueError, KeyError, TypeError) as fault:
            self.fault = fault


def _watched(
    process: subprocess.Popen[bytes],
    conversation: _Conversation,
    allowance: Allowance,
    byte_count: int,
    name: str,
    tell: Tell,
) -> Frames:
    seconds = allowance.cpu_seconds_for(byte_count)
    until = time.monotonic() + allowance.wall_seconds
    seen = psutil.Process(process.pid)
    before = _taken(seen)
    conversation.start()
    while conversation.is_alive():
        conversation.join(LOOK_SECONDS)
        tell(*conversation.progress)
        cpu, memory = _taken(seen)
        for used, most, unit, limit in (
            (cpu - before[0], seconds, "s of processor time", "cpu_seconds"),
            (memory / 1e6, allowance.memory_bytes / 1e6, "MB of memory", "memory_bytes"),
            (time.monotonic() - until + allowance.wall_seconds, allowance.wall_seconds, "s", "wall_seconds"),
        ):
            if used > most:
                raise MediaLimitError(
                    f"Reading {name} takes more than {most:,.0f} {unit} (limit {limit}), and was stopped. "
                    "Make it smaller or shorter, ask for fewer frames, or open it in a shell."
                )
    if conversation.fault is not None and isinstance(conversation.fault, errors.NonlocalError):
        raise conversation.fault
    if conversation.answer is None:
        raise MediaError(f"{name} made its decoder fail. It is damaged: save it again.") from conversation.fault
    return conversation.answer


def _taken(process: psutil.Process) -> tuple[float, int]:
    """Return the processor time and the memory of a process, or nothing once it is gone."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return 0.0, 0
