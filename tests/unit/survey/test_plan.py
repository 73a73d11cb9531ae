"""The plan of a survey goes through its line of JSON unchanged, and names each network once."""

import json

import pytest

from nonlocal_core import Selection
from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.plan import Plan


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(models=("b", "a"), frames=Selection(frames=5, stride=2, start_seconds=1.25), short_side=96),
        Plan(frames=Selection(frame_indices=(1, 3, 7)), index="stride16"),
    ],
)
def test_a_plan_is_the_same_behind_its_line(plan):
    line = plan.as_json()
    assert "\n" not in line
    assert Plan.from_json(line) == plan
    assert json.loads(line)["models"] == list(plan.models)


def test_a_plan_of_a_survey_without_keys_is_read():
    told = json.loads(Plan(models=("a",)).as_json())
    del told["index"]
    assert Plan.from_json(json.dumps(told)) == Plan(models=("a",))


@pytest.mark.parametrize("models", [(), ("a", "b", "a")])
def test_no_network_and_one_twice_are_refused(models):
    with pytest.raises(SurveyError, match=r"one or more different networks; got \["):
        Plan(models=models)
