"""The gallery's answers in other clips are those of ``rank``, for the clips that have viewers, with their frames."""

import numpy as np
import pytest
from PIL import Image
from survey_folders import write_clip

from nonlocal_core import Selection
from nonlocal_core.survey import ResultFolder
from nonlocal_core.survey.gallery_answers import gallery_answers, write_stills
from nonlocal_core.survey.other_clips import rank
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.worker import Worker

MODEL = "lite0-embedded-gaussian"
"""The id of the network that the survey was asked for as the default."""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    clips = [write_clip(folder / f"{n}.gif", seed=n, frames=3, size_hw=(70, 90)) for n in range(4)]
    plan = Plan(models=("default",), index="stride16", frames=Selection(frames=2), short_side=64)
    kept = ResultFolder.begin(folder / "result", plan, [*clips, clips[0]])
    worker = Worker(plan)
    for place, clip in enumerate(kept.clips()):
        kept.keep(Job(place, clip), worker.measure(Job(place, clip)))
    worker.close()
    return kept


def test_a_row_has_its_first_question_and_the_clips_that_answer(result, tmp_path, monkeypatch):
    monkeypatch.setattr("nonlocal_core.survey.gallery_answers.AT_ONCE", 2)
    answers = gallery_answers(result, 3)
    assert list(tmp_path.iterdir()) == [], "asking writes nothing"
    for place in range(3):
        asks, sha256 = (result.keys(place, MODEL)[name] for name in ("asks", "sha256"))
        count, ranked = rank(result, np.frombuffer(asks[0]["theta"], np.float32), MODEL, without=sha256)
        shown = answers.of_row(place, MODEL, "stride16")
        assert shown["point"] == (asks[0]["frame"], asks[0]["x"], asks[0]["y"])
        assert [(other, frame) for other, frame, *_ in shown["found"]] == [(clip.place, clip.frame) for clip in ranked]
        assert np.allclose(
            [numbers for _, _, *numbers in shown["found"]],
            [(clip.x, clip.y, clip.score, clip.times_uniform) for clip in ranked],
            rtol=1e-3,
        )
        assert count == len(ranked) == (3 if place == 0 else 4), "a copy of the asking file is left out"
    assert answers.of_row(3, MODEL, "stride16") is None, "it has no viewer, so it asks nothing"
    assert answers.of_row(0, MODEL, "stride8+16") is None, "no keys of that block"
    stills = write_stills(result, answers.shown, tmp_path)
    assert stills.keys() == {0, 1, 2, 3, 4}
    for still in stills.values():
        with Image.open(tmp_path / still["file"]) as strip:
            assert [strip.width, strip.height] == still["size"] == [2 * 90, 70]


def test_a_survey_without_keys_has_no_answers(tmp_path):
    folder = ResultFolder.begin(tmp_path / "result", Plan(models=("m",)), ["a clip"])
    answers = gallery_answers(folder, 1)
    assert (answers.of_row(0, "m", "b"), answers.shown) == (None, [])
    assert write_stills(folder, answers.shown, tmp_path / "site") == {}
    assert not (tmp_path / "site").exists()
