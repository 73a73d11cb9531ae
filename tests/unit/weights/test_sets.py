"""Which of several sets of weights is read: the trained one, its running average, or the one that is named."""

import pytest
import torch

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.checkpoint import read_checkpoint
from nonlocal_core.weights.sets import chosen_set
from nonlocal_core.weights.unpickle import Call


@pytest.mark.parametrize(("own", "average"), [("state_dict", "state_dict_ema"), ("model_state", "ema")])
def test_an_average_is_found_under_its_usual_names(written, own, average):
    path = written({own: {"w": torch.ones(3)}, average: {"w": torch.zeros(3)}})
    chosen = {
        choice: read_checkpoint(path, weights=choice).tensors["w"].sum() for choice in (None, own, average, "ema")
    }
    assert chosen == {None: 3, own: 3, average: 0, "ema": 0}
    with pytest.raises(WeightsError, match=rf"it holds '{own}', '{average}', and not 'swa'"):
        read_checkpoint(path, weights="swa")
    with pytest.raises(WeightsError, match="no set of weights under a name of its own, and not 'ema'"):
        read_checkpoint(written({"w": torch.ones(3)}), weights="ema")


@pytest.mark.parametrize(
    ("content", "weights", "key", "said"),
    [
        ({"w": 1}, None, None, ""),
        ({"state_dict": {}}, None, "state_dict", ""),
        ({"ema": {}}, None, "ema", ""),
        ({"model": {}, "ema": {}}, None, "model", "those of 'model'; the file also holds 'ema'."),
        ({"model": {}, "ema": {}}, "ema", "ema", "those of 'ema', the running average; the file also holds 'model'."),
        (
            {"model": {}, "model_ema": {}, "ema": {}},
            "ema",
            "ema",
            "those of 'ema'; the file also holds 'model', 'model_ema'.",
        ),
        (
            {"state_dict": {}, "ema_state_dict": {}, "message_hub": {}},  # mmengine exchanges the two
            "ema",
            "state_dict",
            "those of 'state_dict', the running average; the file also holds 'ema_state_dict'.",
        ),
    ],
)
def test_the_set_that_a_program_would_load(content, weights, key, said):
    assert chosen_set(content, weights) == (key, f"The weights are {said}" if said else "")


WEIGHTS = {"conv.weight": Call("torch._utils._rebuild_tensor_v2", ())}
BESIDE = {
    "optimizer": {"state": {0: WEIGHTS}, "param_groups": [{"lr": 0.1}]},
    "args": {"a.b": Call("torch.device", ("cpu",))},
    "best": {"top1": WEIGHTS["conv.weight"]},
}


@pytest.mark.parametrize("name", ["model_state_dict", "net", "params", "generator"])
def test_weights_under_any_name_are_read(name):
    assert chosen_set(BESIDE | {name: WEIGHTS}, None) == (name, "")
    assert chosen_set(BESIDE | {name: WEIGHTS}, name) == (name, "")
    assert chosen_set(BESIDE | {name: WEIGHTS, "model_ema": WEIGHTS}, None)[0] == name


def test_weights_of_another_name_are_a_choice_beside_those_of_a_usual_one():
    content = {"state_dict": WEIGHTS, "discriminator": WEIGHTS}
    said = "The weights are those of 'state_dict'; the file also holds 'discriminator'."
    assert chosen_set(content, None) == ("state_dict", said)
    assert chosen_set(content, "discriminator")[0] == "discriminator"


def test_a_file_of_tensors_is_the_set_itself_whatever_else_it_holds():
    assert chosen_set(WEIGHTS | {"buffers": WEIGHTS}, None) == (None, "")


@pytest.mark.parametrize(
    "content",
    [{"model": {}, "state_dict": {}}, {"ema": {}, "model_ema": {}}, {"student": WEIGHTS, "teacher": WEIGHTS}],
)
def test_between_equals_nothing_is_chosen(content):
    with pytest.raises(WeightsError, match=r"more than one set of weights: .*; name one of them"):
        chosen_set(content, None)


def test_names_that_a_file_gives_its_sets_are_shortened_and_counted_and_print():
    names = ["net\x1b[31m", "a" * 500, *(f"net{number}" for number in range(9))]
    with pytest.raises(WeightsError, match=r"sets?.*and 5 more; name one of them") as caught:
        chosen_set(dict.fromkeys(names, WEIGHTS), None)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_of_two_running_averages_none_is_the_one():
    with pytest.raises(WeightsError, match=r"it holds 'model', 'ema_state', 'model_ema', and not 'ema'"):
        chosen_set({"model": {}, "ema_state": {}, "model_ema": {}}, "ema")
