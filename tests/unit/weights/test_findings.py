"""The findings are the figures of the files that the recipe wrote, each variant under its own title."""

import json

from nonlocal_core.installed import folder_of
from nonlocal_core.weights.findings import read_findings

ABLATIONS, MEASURED = (
    json.loads((folder_of("pretrained") / name).read_text()) for name in ("ablations.json", "measured.json")
)


def assert_figures(bar, entry):
    assert [bar.won.mean, bar.won.low, bar.won.high] == entry["won"]
    assert bar.won.low <= bar.won.mean <= bar.won.high
    assert (bar.seeds, bar.parameters, bar.seconds) == (len(entry["by_seed"]), entry["parameters"], entry["seconds"])


def test_every_bar_of_a_table_has_its_own_variant_and_the_papers_figure():
    found = read_findings()
    assert (found.clips, len(found.charts)) == (ABLATIONS["clips"], len(ABLATIONS["charts"]))
    for chart, written in zip(found.charts, ABLATIONS["charts"], strict=True):
        assert (chart.number, chart.title, chart.says) == (written["number"], written["title"], written["says"])
        for bar, entry in zip(chart.bars, written["bars"], strict=True):
            assert (bar.title, bar.paper, bar.paper_words) == (entry["title"], entry["paper"], entry["paper_words"])
            assert_figures(bar, ABLATIONS["variants"][entry["variant"]])
        for claim, entry in zip(chart.claims, written["claims"], strict=True):
            assert (claim.words, claim.verdict, claim.reason) == (entry["words"], entry["verdict"], entry["reason"])
            assert [claim.difference.mean, claim.difference.low, claim.difference.high] == entry["difference"]


def test_of_controls_and_of_longer_clips_the_paper_says_nothing():
    found = read_findings()
    named = [(found.controls, {name: {} for name in ABLATIONS["controls"]})]
    if found.longer is not None:
        assert (found.longer.frames, found.longer.clips) == (
            ABLATIONS["longer"]["frames"],
            ABLATIONS["longer"]["clips"],
        )
        named.append((found.longer.bars, ABLATIONS["longer"]["variants"]))
    for bars, entries in named:
        for bar, (name, own) in zip(bars, entries.items(), strict=True):
            entry = ABLATIONS["variants"][name] | own
            assert (bar.title, bar.paper, bar.paper_words) == (entry["title"], None, "")
            assert_figures(bar, entry)


def test_figures_of_networks_are_those_that_were_measured():
    found = [{"id": each.id, "title": each.title, "figures": each.figures} for each in read_findings().networks]
    assert found == MEASURED
