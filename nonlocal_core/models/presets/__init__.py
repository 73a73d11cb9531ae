"""The published networks as records, one function per family and source."""

from nonlocal_core.models.presets.caffe2 import (
    caffe2_8x8,
    caffe2_32x2,
    caffe2_32x4_affine,
    caffe2_128x1_affine,
    lfb_finetuned,
    lfb_kinetics,
    tushar_i3d,
)
from nonlocal_core.models.presets.common import BlockCount, Depth, Family
from nonlocal_core.models.presets.openmmlab import (
    gluoncv_i3d,
    mit_tsm,
    mmaction2_i3d,
    mmaction2_slowonly,
    mmaction2_slowonly_ava,
    mmaction2_tsm,
)
from nonlocal_core.models.presets.paper import paper_resnet
from nonlocal_core.models.presets.slowfast import pyslowfast_8x8, pyslowfast_slow_4x16, pytorchvideo_8x8

__all__ = [
    "BlockCount",
    "Depth",
    "Family",
    "caffe2_8x8",
    "caffe2_32x2",
    "caffe2_32x4_affine",
    "caffe2_128x1_affine",
    "gluoncv_i3d",
    "lfb_finetuned",
    "lfb_kinetics",
    "mit_tsm",
    "mmaction2_i3d",
    "mmaction2_slowonly",
    "mmaction2_slowonly_ava",
    "mmaction2_tsm",
    "paper_resnet",
    "pyslowfast_8x8",
    "pyslowfast_slow_4x16",
    "pytorchvideo_8x8",
    "tushar_i3d",
]
