"""Every listing of names and shapes that was taken from the sources, through all layouts; beside the checkout."""

import json
from pathlib import Path

import pytest
import torch
from published_files import caffe2_name, pyslowfast_name, tensors_of

from nonlocal_core.models import presets
from nonlocal_core.weights.filling import match, shapes_of, wanted_shapes, without_prefix
from nonlocal_core.weights.layouts import CAFFE2, PYSLOWFAST
from nonlocal_core.weights.published import find_published

LISTINGS = Path(__file__).parents[5] / "shared" / "reference" / "keys"
pytestmark = pytest.mark.skipif(not LISTINGS.is_dir(), reason="the listings of names are not beside the checkout")

ARCHS = {
    "caffe2_c2d_r50": "caffe2-c2d-r50-8x8",
    "caffe2_c2d_r101": "caffe2-c2d-r101-32x2",
    "caffe2_c2d_nonlocal_r50": "caffe2-c2d-r50-nl5-32x2",
    "caffe2_c2d_nonlocal_r101": "caffe2-c2d-r101-nl5-8x8",
    "caffe2_i3d_r50": "caffe2-i3d-r50-32x2",
    "caffe2_i3d_r101": "caffe2-i3d-r101-8x8",
    "caffe2_i3d_nonlocal_r50": "pyslowfast-c2-i3d-r50-nl5-8x8",
    "caffe2_i3d_nonlocal_r101": "lfb-i3d-r101-nl5-kinetics",
    "caffe2_i3d_r50_affine": "caffe2-i3d-r50-128x1",
    "caffe2_i3d_nonlocal_r50_affine": "caffe2-i3d-r50-nl5-32x4",
    "caffe2_lfb_i3d_nonlocal_r50_affine": "lfb-i3d-r50-nl5-charades",
    "slowfast_c2_i3d_nln_8x8_r50": "pyslowfast-i3d-r50-nl5-8x8",
    "slowfast_c2d_8x8_r50": "pyslowfast-c2d-r50-8x8",
    "slowfast_c2d_nln_8x8_r50": "pyslowfast-c2d-r50-nl5-8x8",
    "slowfast_i3d_8x8_r50": "pyslowfast-i3d-r50-8x8",
    "slowfast_i3d_nln_8x8_r50": "pyslowfast-i3d-r50-nl5-8x8",
    "slowfast_i3d_nln_8x8_r101": "pyslowfast-i3d-r101-nl5-8x8",
    "slowfast_slow_nln_4x16_r50": "pyslowfast-slow-r50-nl5-4x16",
    "slowfast_slow_nln_8x8_r50": "pyslowfast-slow-r50-nl5-8x8",
    "pytorchvideo_c2d_r50": "pytorchvideo-c2d-r50-8x8",
    "pytorchvideo_i3d_r50": "pytorchvideo-i3d-r50-8x8",
    "pytorchvideo_slow_r50": "pytorchvideo-slow-r50-8x8",
    "mmaction2_i3d_r50": "mmaction2-i3d-r50-32x2",
    "mmaction2_i3d_nl_gaussian_r50": "mmaction2-i3d-r50-nl5-gaussian-32x2",
    "mmaction2_i3d_nl_embedded_gaussian_r50": "mmaction2-i3d-r50-nl5-embedded-gaussian-32x2",
    "mmaction2_i3d_nl_dot_product_r50": "mmaction2-i3d-r50-nl5-dot-product-32x2",
    "mmaction2_i3d_nl_concatenation_r50": "mmaction2-i3d-r50-nl5-concatenation-32x2",
    "mmaction2_slowonly_r50": "mmaction2-slowonly-r50-8x8",
    "mmaction2_slowonly_nl_embedded_gaussian_r50": "mmaction2-slowonly-r50-nl5-4x16",
    "mmaction2_tsm_r50": "mmaction2-tsm-r50-1x1x8",
    "mmaction2_tsm_nl_gaussian_r50": "mmaction2-tsm-r50-nl5-gaussian-1x1x8",
    "mmaction2_tsm_nl_embedded_gaussian_r50": "mmaction2-tsm-r50-nl5-embedded-gaussian-1x1x8",
    "mmaction2_tsm_nl_dot_product_r50": "mmaction2-tsm-r50-nl5-dot-product-1x1x8",
    "gluoncv_torch_i3d_base_resnet50": "gluoncv-i3d-r50-32x2",
    "gluoncv_torch_i3d_base_resnet101": "gluoncv-i3d-r101-32x2",
    "gluoncv_torch_i3d_nl5_resnet50": "gluoncv-i3d-r50-nl5-32x2",
    "gluoncv_torch_i3d_nl5_resnet101": "gluoncv-i3d-r101-nl5-32x2",
    "gluoncv_torch_i3d_nl10_resnet50": "gluoncv-i3d-r50-nl10-32x2",
    "gluoncv_torch_i3d_nl10_resnet101": "gluoncv-i3d-r101-nl10-32x2",
    "tushar_i3res50": "tushar-i3d-r50-32x2",
    "tushar_i3res50_nl": "tushar-i3d-r50-nl5-32x2",
}


def listed(name):
    return json.loads((LISTINGS / f"{name}.json").read_text(encoding="utf-8"))["keys"]


@pytest.mark.parametrize("listing", ARCHS)
def test_a_listed_file_fills_its_network_completely(listing):
    network = find_published(ARCHS[listing])
    with torch.device("meta"):
        tensors = {name: torch.empty(shape) for name, shape in listed(listing).items()}
    found = shapes_of(without_prefix(tensors, network.layout))
    matched = match(found, wanted_shapes(network.config), layout=network.layout)
    assert matched.faults == 0, matched.sentence


@pytest.mark.parametrize(
    ("listing", "naming", "family", "settings"),
    [
        ("caffe2_i3d_nonlocal_r101", caffe2_name, "i3d", {"depth": 101, "after": ((1, 3), (6, 13, 20))}),
        ("slowfast_slow_nln_8x8_r50", pyslowfast_name, "slow", {"after": ((1, 3), (1, 3, 5))}),
    ],
)
def test_the_files_that_the_tests_make_have_the_listed_names(listing, naming, family, settings):
    made = {naming(tensor): list(tensor.shape) for tensor in tensors_of(family, **settings)}
    assert made == {name: shape for name, shape in listed(listing).items() if not name.endswith("num_batches_tracked")}


def test_names_agree_with_pyslowfasts_own_converter():
    table = json.loads((LISTINGS / "_map_caffe2_to_slowfast.json").read_text(encoding="utf-8"))
    assert len(table) == 327
    assert {CAFFE2.our_name(blob): blob for blob in table} == {
        PYSLOWFAST.our_name(module): blob for blob, module in table.items()
    }
    assert set(map(CAFFE2.our_name, table)) == set(wanted_shapes(presets.pyslowfast_8x8(family="i3d")))
