"""``models``: the networks that can be opened by name, and published checkpoints."""

import argparse
import json
from dataclasses import asdict

from nonlocal_core.ancestors.filters import FILTERS, AnyFilter
from nonlocal_core.weights import list_models
from nonlocal_core.weights.cards import list_published


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("--json", action="store_true", help="print every card whole, as JSON")


def run(options: argparse.Namespace) -> None:
    """Print a line for each network, or all that is known of one."""
    if options.json:
        shipped = [{"kind": "shipped", **asdict(card)} for card in list_models()]
        published = [
            {"kind": "published", **asdict(card), "licence": card.licence, "estimated_bytes": card.estimated_bytes}
            for card in list_published()
        ]
        print(json.dumps(shipped + [_filter(kind) for kind in FILTERS] + published, indent=2))
        return
    print("Networks that can be opened by name:")
    for model in list_models():
        print(f"  {model.id:36} {model.status.replace('_', '-'):15} {model.title}")
    print("Filters over pixels, without weights; settings follow the id, as in pixels-nl-means:h=0.2:patch=7:")
    for kind in FILTERS:
        print(f"  {kind.name:36} {', '.join(kind.settings):15} {kind.title}")
    print("Published checkpoints that `fetch` downloads, about so large, under these licences:")
    for card in list_published():
        size = f"{card.estimated_bytes / 1e6:.0f} MB" if card.estimated_bytes else "?"
        print(f"  {card.id:60} {size:>7}  {card.licence}")


def _filter(kind: type[AnyFilter]) -> dict[str, object]:
    """Return all that is known of a filter."""
    settings = {name: asdict(bounds) | {"usual": getattr(kind(), name)} for name, bounds in kind.settings.items()}
    return {
        "kind": "filter",
        "id": kind.name,
        "title": kind.title,
        "description": kind.description,
        "blocks": list(kind.blocks),
        "settings": settings,
    }
