"""Our own names lead back to the same network."""

from published_files import ODD, caffe2_name, numbered_values, tensors_of
from same_network import assert_same, told

from nonlocal_core.models import presets
from nonlocal_core.weights.filling import load_network
from nonlocal_core.weights.layouts import CAFFE2, OURS


def test_our_own_names_read_back_what_was_written():
    config = presets.caffe2_32x4_affine()
    values = numbered_values(tensors_of("i3d", after=ODD, affine=True, nonlocal_norm=False))
    network = load_network(told(values, caffe2_name), layout=CAFFE2, config=config)
    assert_same(load_network(network.state_dict(), layout=OURS, config=config), network)
