"""What the process that reads files answers, line by line and byte by byte; `test_apart` proves that it is stopped."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest
from media_files import number_of, stamps

from nonlocal_core.media import Limits, Selection, read_frames
from nonlocal_core.media import apart_child as child
from nonlocal_core.media.wire import info_as_json

CLIP = stamps(7)


def question(content: bytes, **how: object) -> bytes:
    """Return a question for a frame of bytes: a line of JSON, and the bytes behind it."""
    head = {"name": "mine.mp4", "path": None, "byte_count": len(content), "limits": asdict(Limits()), "max_side": 40}
    head |= {"selection": asdict(Selection(frames=1))}
    return json.dumps(head | how).encode() + b"\n" + content


def answers(*questions: bytes) -> io.BytesIO:
    with TemporaryFile() as asked, TemporaryFile() as told:
        asked.write(b"".join(questions))
        asked.seek(0)
        child.main(asked, told)
        told.seek(0)
        return io.BytesIO(told.read())


def test_questions_are_answered_one_after_the_other() -> None:
    told = answers(question(b"Dear diary,\n" * 50), question(CLIP), question(b"", name="none.mp4"))
    refused = json.loads(told.readline())
    assert refused["error"] == "MediaError"
    assert refused["message"].startswith("mine.mp4 is text")
    assert json.loads(told.readline()) == {"progress": [1, 1]}
    head, expected = json.loads(told.readline()), read_frames(CLIP, Selection(frames=1), name="mine.mp4", max_side=40)
    assert head["info"] == json.loads(json.dumps(info_as_json(expected.info)))
    np.testing.assert_array_equal(np.frombuffer(told.read(expected.rgb.nbytes), np.uint8), expected.rgb.ravel())
    assert json.loads(told.readline())["message"].startswith("none.mp4 is empty")


def test_frames_follow_their_progress_and_their_head(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CLIP)
    asked = {"selection": asdict(Selection(frame_indices=(1, 4, 6)))}
    for given in (question(CLIP, **asked), question(b"", path=str(path), **asked)):
        told = answers(given)
        assert [json.loads(told.readline()) for _ in range(3)] == [{"progress": [done, 3]} for done in (1, 2, 3)]
        head = json.loads(told.readline())
        expected = read_frames(CLIP, Selection(frame_indices=(1, 4, 6)), max_side=40)
        rgb = np.frombuffer(told.read(), np.uint8).reshape(head["shape"])
        np.testing.assert_array_equal(rgb, expected.rgb)
        assert [number_of(picture) for picture in rgb] == head["frame_indices"] == [1, 4, 6]
        assert head["pts_seconds"] == expected.pts_seconds.tolist()


def test_a_reader_without_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(child, "read_frames", full)
    (line,) = answers(question(CLIP))
    assert json.loads(line)["error"] == "MediaLimitError"
    assert "takes more memory than there is" in json.loads(line)["message"]
