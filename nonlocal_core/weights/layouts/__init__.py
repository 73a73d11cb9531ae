"""Names of tensors in the files of each source, one module per source."""

from nonlocal_core.weights.layouts.alexhex7 import ALEXHEX7
from nonlocal_core.weights.layouts.caffe2 import CAFFE2
from nonlocal_core.weights.layouts.gluoncv import GLUONCV
from nonlocal_core.weights.layouts.mit_tsm import MIT_TSM
from nonlocal_core.weights.layouts.mmaction2 import MMACTION2, MMACTION2_DETECTOR
from nonlocal_core.weights.layouts.ours import OURS
from nonlocal_core.weights.layouts.pyslowfast import PYSLOWFAST
from nonlocal_core.weights.layouts.pytorchvideo import PYTORCHVIDEO, PYTORCHVIDEO_SLOW
from nonlocal_core.weights.layouts.rules import Layout, Rule
from nonlocal_core.weights.layouts.tea1528 import TEA1528
from nonlocal_core.weights.layouts.tushar import TUSHAR

__all__ = [
    "ALEXHEX7",
    "CAFFE2",
    "GLUONCV",
    "MIT_TSM",
    "MMACTION2",
    "MMACTION2_DETECTOR",
    "OURS",
    "PYSLOWFAST",
    "PYTORCHVIDEO",
    "PYTORCHVIDEO_SLOW",
    "TEA1528",
    "TUSHAR",
    "Layout",
    "Rule",
]
