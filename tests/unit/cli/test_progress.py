"""Progress rewrites one line of a terminal, and is silent in a pipe."""

import io
import sys

from nonlocal_core.cli.progress import tell


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_one_line_that_ends_with_the_last_step(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    tell("Frames", 1, 2)
    tell("Frames", 2, 2)
    assert terminal.getvalue() == "\rFrames: 1/2 \rFrames: 2/2 \n"


def test_a_pipe_has_nothing(capsys):
    tell("Frames", 1, 2)
    assert capsys.readouterr() == ("", "")
