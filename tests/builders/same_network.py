"""One network told in the names of two sources: whatever the names, the same parameters."""

import torch
from published_files import caffe2_name, numbered_values, with_counters

from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import CAFFE2


def told(values, *namings):
    """The state dict of a file, under every name that the source gives a tensor."""
    return with_counters({naming(tensor): value for tensor, value in values.items() for naming in namings})


def assert_same(found, expected, but=frozenset()):
    left, right = found.state_dict(), expected.state_dict()
    assert left.keys() == right.keys() - but
    differing = [name for name in left if not torch.equal(left[name], right[name])]
    assert not differing


def assert_as_from_caffe2(config, tensors, layout, naming, stored=dict):
    """A file in the names of a source fills a network as Caffe2's blobs do; ``stored`` changes its tensors before."""
    values = numbered_values(tensors)
    found = load_network(stored(told(values, naming)), layout=layout, config=config)
    assert_same(found, load_network(told(values, caffe2_name), layout=CAFFE2, config=config))


def as_image_convolutions(state):
    """TSM has 2-D convolutions outside its non-local blocks."""
    return {
        name: value.squeeze(2)
        if value.ndim == 5 and "nonlocal" not in name.replace("_", "") and ".nl." not in name
        else value
        for name, value in state.items()
    }
