"""Write the model table into README.md, from the catalog. `make readme` runs this; a test compares."""

import re

from lock import ROOT

from nonlocal_core import list_models

README = ROOT / "README.md"
_PLACE = re.compile(r"(<!-- models:.*?-->\n).*?(<!-- /models -->)", re.DOTALL)


def with_table(readme: str) -> str:
    """Return the README with the table of the networks that can be opened by name."""
    lines = ["| id | function | blocks | weights |", "|---|---|---|---|"]
    lines += [
        f"| `{card.id}` | {card.pairwise.replace('_', ' ')} | {', '.join(f'`{name}`' for name in card.blocks)} "
        f"| {card.status.replace('_', '-')} |"
        for card in list_models()
    ]
    return _PLACE.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], readme)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
