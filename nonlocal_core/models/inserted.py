"""A block inside a network: its place, its title, and the cautions on its maps."""

from dataclasses import dataclass

from torch import nn

from nonlocal_core.vocabulary import WeightStatus


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsertedBlock:
    """One block of a network; the network lists them in the order in which they run."""

    name: str
    """Stable id within the network."""
    title: str
    module: nn.Module
    status: WeightStatus
    note: str
    """Caution that a person must read before believing the maps; empty if there is none."""
