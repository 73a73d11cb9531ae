"""ResNets with a handful of classes and random weights, and their answers to small clips."""

from dataclasses import replace

import torch

from nonlocal_core.models.resnet import ResNet

HEIGHT, WIDTH = 40, 56


def small(config, **head):
    """A network with a handful of classes; its weights do not matter."""
    torch.manual_seed(8)
    classes = tuple("abcdefg")
    return ResNet(replace(config, head=replace(config.head, classes=classes, **head))).eval()


def run(network, frames, height=HEIGHT, width=WIDTH):
    torch.manual_seed(9)
    with torch.inference_mode():
        return network(torch.randn(2, 3, frames, height, width))
