"""GluonCV's file with its tensors twice fills the same parameters as the Caffe2 blobs do."""

from published_files import caffe2_name, gluoncv_names, numbered_values, tensors_of, with_counters
from same_network import assert_same, told

from nonlocal_core.models import presets
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import CAFFE2, GLUONCV


def gluoncv(values):
    return with_counters({name: value for tensor, value in values.items() for name in gluoncv_names(tensor)})


def test_gluoncv_stores_its_last_layers_twice():
    config = presets.gluoncv_i3d(blocks=10)
    values = numbered_values(tensors_of("i3d", after=((0, 1, 2, 3), (0, 1, 2, 3, 4, 5))))
    state = gluoncv(values)
    assert len(state) == 522
    found = load_network(state, layout=GLUONCV, config=config)
    assert_same(found, load_network(told(values, caffe2_name), layout=CAFFE2, config=config))
