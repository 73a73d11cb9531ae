"""The 1000 classes of ImageNet."""

from nonlocal_core.models.imagenet import imagenet_classes


def test_the_class_names_are_a_thousand_different_lines():
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    assert (names[0], names[285], names[805], names[999]) == ("tench", "Egyptian cat", "soccer ball", "toilet tissue")
