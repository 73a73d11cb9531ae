"""Blocks of tea1528's collection, whose concatenation has a bias inside the ReLU.

Source: tea1528/Non-Local-NN-Pytorch@9869376, models/non_local.py.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule

TEA1528 = Layout(
    name="tea1528",
    title="tea1528, one block",
    rules=(
        Rule(rf"(?P<role>theta|phi|g)[.]{TABLE}", "{role}.{table}"),
        Rule(rf"W_z(?:[.]0)?[.]{TABLE}", "out.{table}"),
        Rule(rf"W_z[.]1[.]{TABLE}", "norm.{table}"),
        Rule(r"W_f[.]0[.]weight", "w_theta.weight+w_phi.weight"),
        Rule(r"W_f[.]0[.]bias", "w_theta.bias"),
    ),
)
