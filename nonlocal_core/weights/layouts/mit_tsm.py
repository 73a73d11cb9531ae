"""MIT's temporal shift networks with AlexHex7's blocks.

Source: mit-han-lab/temporal-shift-module@298cd1d, ops/models.py, ops/temporal_shift.py, ops/non_local.py. The first
convolution is wrapped as ``.net``, and as ``.block`` every bottleneck that a non-local block follows. The names
follow from that code; no file was opened.
"""

from nonlocal_core.weights.layouts.alexhex7 import block_rules
from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule
from nonlocal_core.weights.layouts.torchvision import BOTTLENECK, WORDS, backbone_rules

MIT_TSM = Layout(
    name="mit_tsm",
    title="MIT TSM",
    rules=(
        *backbone_rules(prefix="base_model[.]", inside="(?:[.]block)?", first_conv="[.]net"),
        *block_rules(at=rf"base_model[.]{BOTTLENECK}[.]nl[.]", to="res{stage}.{block}.nonlocal_block.", words=WORDS),
        Rule(rf"new_fc[.]{TABLE}", "head.{table}"),
    ),
)
