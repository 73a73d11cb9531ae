"""``ask`` prints the clips that answer, as words and as JSON, and refuses a survey without keys."""

import json

import pytest
from survey_folders import begin

from nonlocal_core.cli import OK, REFUSED, main
from nonlocal_core.survey import ClipsAsked, RankedClip

NUMBERS = {"x": 0.5, "y": 0.125, "score": 1.5, "weight": 0.01, "times_uniform": 20.0}
FOUND = ClipsAsked(
    clip="a.mp4",
    model="m",
    block="b",
    pairwise="dot_product",
    frame=2,
    x=0.25,
    y=0.75,
    count=1200,
    cautions=("Take care.",),
    ranked=(RankedClip(place=7, clip="/c/d.mp4", name="d.mp4", frame=3, **NUMBERS),),
)


def test_the_clips_are_printed(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("nonlocal_core.survey.ask", lambda *given, **named: asked.append((given[1], named)) or FOUND)
    assert main(["ask", "r", "a.mp4", "--frame", "2", "--x", "0.25", "--y", "0.75", "--count", "1"]) == OK
    assert asked == [("a.mp4", {"point": (2, 0.25, 0.75), "model": None, "count": 1})]
    assert capsys.readouterr().out.splitlines() == [
        "m, b: a.mp4, frame 2, x 0.25, y 0.75, asked in 1,200 clips",
        "Take care.",
        "  1. d.mp4: frame 3, x 0.5, y 0.125; score 1.5, weight 0.01, 20 × an even share",
    ]
    assert main(["ask", "r", "a.mp4", "--json"]) == OK
    assert asked[1][1]["point"] is None
    told = json.loads(capsys.readouterr().out)
    assert (told["count"], told["ranked"][0]["clip"], told["ranked"][0]["score"]) == (1200, "/c/d.mp4", 1.5)


@pytest.mark.parametrize(("given", "why"), [(["--frame", "2"], "Give all three"), ([], "keeps no keys to search")])
def test_what_cannot_be_asked_is_a_sentence(tmp_path, capsys, given, why):
    assert main(["ask", str(begin(tmp_path / "result")), "sample:coffee", *given]) == REFUSED
    assert why in capsys.readouterr().err
