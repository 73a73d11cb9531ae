"""Blocks of AlexHex7's collection, alone or inside another network. MIT's TSM and many others copied them.

Source: AlexHex7/Non-local_pytorch@0276c7b, lib/non_local_*.py. With pooled keys, phi and g are the first of two
modules. With a batch normalisation after it, so is W.
"""

from nonlocal_core.weights.layouts.rules import TABLE, Layout, Rule, Words


def block_rules(*, at: str = "", to: str = "", words: Words | None = None) -> tuple[Rule, ...]:
    """Return the rules of one block, with the pattern ``at`` before its names and the template ``to`` before ours."""
    more = words or {}
    return (
        Rule(rf"{at}(?P<role>theta|phi|g)(?:[.]0)?[.]{TABLE}", f"{to}{{role}}.{{table}}", more),
        Rule(rf"{at}W(?:[.]0)?[.]{TABLE}", f"{to}out.{{table}}", more),
        Rule(rf"{at}W[.]1[.]{TABLE}", f"{to}norm.{{table}}", more),
        Rule(rf"{at}concat_project[.]0[.]weight", f"{to}w_theta.weight+{to}w_phi.weight", more),
    )


ALEXHEX7 = Layout(name="alexhex7", title="AlexHex7, one block", rules=block_rules())
