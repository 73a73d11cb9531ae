"""The 400 classes of Kinetics-400."""

from nonlocal_core.models.kinetics400 import kinetics400_classes


def test_the_class_names_are_four_hundred_different_lines_in_alphabetical_order():
    names = kinetics400_classes()
    assert len(names) == len(set(names)) == 400
    assert list(names) == sorted(names)
    assert all(name and name == name.strip() for name in names)
