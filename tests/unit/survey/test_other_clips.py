"""A question of one clip finds the clips that brute force over sessions finds, and the place in each."""

import numpy as np
import pytest
from PIL import Image
from survey_folders import write_clip

from nonlocal_core import Selection, Session
from nonlocal_core.errors import OutsideGridError, SurveyError
from nonlocal_core.survey import ResultFolder, ask
from nonlocal_core.survey.other_clips import ask_of_survey, rank
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.worker import Worker

MODELS = ("lite0-embedded-gaussian", "lite0-dot-product")
COUNT = 12
SCORE_ABS, WEIGHT_REL = 5e-3, 1e-2  # of float16 keys: 8e-4 and 2.3e-3 were the most
CHOICE = {"frames": Selection(frames=2), "short_side": 64}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    clips = [write_clip(folder / f"{n}.gif", seed=n, frames=3, size_hw=(80, 100 + n)) for n in range(COUNT)]
    (folder / "broken.gif").write_bytes(b"GIF89a")
    clips.append(str(folder / "broken.gif"))
    plan = Plan(models=MODELS, index="first", **CHOICE)
    kept = ResultFolder.begin(folder / "result", plan, clips)
    worker = Worker(plan)
    for place, clip in enumerate(clips):
        kept.keep(Job(place, clip), worker.measure(Job(place, clip)))
    worker.close()
    return kept


def brute_force(result, theta, model, without):
    """Best score, place, scores of all keys and their grid of each other clip, by float32 tables of its session."""
    found = []
    for place, clip in enumerate(result.clips()[:COUNT]):
        block = Session.open(clip, model, **CHOICE).block()
        scores = block.phi.astype(np.float64) @ theta.astype(np.float64)
        found.append((scores.max(), place, scores, block.key_grid))
    return sorted((each for each in found if each[1] != without), key=lambda each: -each[0])


@pytest.mark.parametrize("model", MODELS)
def test_ten_clips_and_their_places_are_those_of_brute_force(result, model):
    found = total = 0
    for place, point in ((3, (0, 0.3, 0.4)), (8, None)):
        asked = ask(result.path, result.clips()[place], point=point, model=model)
        session = Session.open(result.clips()[place], model, **CHOICE)
        block, first = session.block(), session.first_question()
        at = point or (first.frame, first.x, first.y)
        assert (asked.frame, asked.x, asked.y, asked.block, asked.count) == (*at, block.name, COUNT - 1)
        theta = block.theta[block.query_grid.index(block.query_grid.cell_at(frame=at[0], x=at[1], y=at[2]))]
        truth = brute_force(result, theta, model, place)
        best = {place for _, place, _, _ in truth[:10]}
        found += len(best & {clip.place for clip in asked.ranked})
        total += len(best)
        of_place = {place: (scores, grid) for _, place, scores, grid in truth}
        for clip in asked.ranked:
            scores, grid = of_place[clip.place]
            there = scores[grid.index(grid.cell_at(frame=clip.frame, x=clip.x, y=clip.y))]
            assert clip.score == pytest.approx(there, abs=SCORE_ABS)
            assert clip.score == pytest.approx(scores.max(), abs=SCORE_ABS)
            weight = 1 / np.exp(scores - there).sum() if model == MODELS[0] else there / len(scores)
            assert clip.weight == pytest.approx(weight, rel=WEIGHT_REL)
        assert [clip.score for clip in asked.ranked] == sorted((clip.score for clip in asked.ranked), reverse=True)
    assert found / total >= 0.98


def test_what_was_kept_answers_as_the_network_does(result):
    asked = ask(result.path, result.clips()[5])
    assert ask_of_survey(result, 5, MODELS[0], 0)[0] == COUNT - 1
    kept = ask_of_survey(result, 5, MODELS[0], 0)[1]
    assert [(clip.place, clip.frame, clip.x, clip.y) for clip in kept] == [
        (clip.place, clip.frame, clip.x, clip.y) for clip in asked.ranked
    ]


def test_the_default_network_is_asked_under_either_name(tmp_path):
    """Also of a sample that was made for another one."""
    plan = Plan(models=("default",), index="stride16", **CHOICE)
    kept, worker = ResultFolder.begin(tmp_path / "result", plan, ["sample:coffee"]), Worker(plan)
    kept.keep(Job(0, "sample:coffee"), worker.measure(Job(0, "sample:coffee")))
    worker.close()
    for model in (None, "default", "lite0-embedded-gaussian"):
        asked = ask(kept.path, "sample:marked", model=model, point=(0, 0.5, 0.5))
        assert (asked.model, asked.count) == ("lite0-embedded-gaussian", 1)


def test_a_picture_asks_all_clips(result, tmp_path):
    Image.radial_gradient("L").resize((90, 70)).convert("RGB").save(tmp_path / "picture.png")
    asked = ask(result.path, tmp_path / "picture.png", point=(0, 0.5, 0.5), count=3)
    assert (asked.count, len(asked.ranked), asked.clip) == (COUNT, 3, "picture.png")
    with pytest.raises(OutsideGridError):
        ask(result.path, tmp_path / "picture.png", point=(0, 1.5, 0.5))


def test_codes_choose_more_candidates_than_are_asked_for(result, monkeypatch):
    """Codes that say nothing still leave the exact order among four times as many."""
    theta = np.frombuffer(result.keys(5, MODELS[0])["asks"][0]["theta"], np.float32)
    truth = rank(result, theta, MODELS[0], count=COUNT)[1]
    monkeypatch.setattr("nonlocal_core.survey.other_clips.coarse_scores", lambda thetas, codes: np.zeros(1, np.float32))
    among = [clip for clip in truth if clip.place < 8]
    assert rank(result, theta, MODELS[0], count=2)[1] == tuple(among[:2])


def test_what_cannot_be_asked_says_so(result, tmp_path):
    without = ResultFolder.begin(tmp_path / "without", Plan(models=MODELS), ["sample:coffee"])
    with pytest.raises(SurveyError, match="keeps no keys to search"):
        ask(without.path, "sample:coffee")
    with pytest.raises(SurveyError, match="has no 'lite0-gaussian'; it has lite0-embedded-gaussian"):
        ask(result.path, "sample:coffee", model="lite0-gaussian")
    with pytest.raises(SurveyError, match="has no keys of clip 12"):
        ask_of_survey(result, COUNT, MODELS[0], 0)
