"""The findings are the figures of the files that the recipe wrote, each variant under its own title."""

import json

from nonlocal_core.installed import folder_of
from nonlocal_core.weights import findings
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


def test_of_controls_the_paper_says_nothing():
    for bar, name in zip(read_findings().controls, ABLATIONS["controls"], strict=True):
        entry = ABLATIONS["variants"][name]
        assert (bar.title, bar.paper, bar.paper_words) == (entry["title"], None, "")
        assert_figures(bar, entry)


def test_on_longer_clips_a_variant_has_the_figures_that_were_won_there(tmp_path, monkeypatch):
    name = ABLATIONS["controls"][0]
    longer = {"frames": 17, "clips": 5, "variants": {name: {"won": [2.0, 1.0, 4.0]}}}
    (tmp_path / "ablations.json").write_text(json.dumps(ABLATIONS | {"longer": longer}))
    (tmp_path / "measured.json").write_text("[]")
    monkeypatch.setattr(findings, "folder_of", lambda _: tmp_path)
    found = read_findings.__wrapped__()  # what is kept of an earlier call stays as it is
    assert (found.longer.frames, found.longer.clips, found.networks) == (17, 5, ())
    (bar,) = found.longer.bars
    entry = ABLATIONS["variants"][name]
    assert (bar.title, bar.paper) == (entry["title"], None)
    assert_figures(bar, entry | {"won": [2.0, 1.0, 4.0]})


def test_figures_of_networks_are_those_that_were_measured():
    found = [{"id": each.id, "title": each.title, "figures": each.figures} for each in read_findings().networks]
    assert found == MEASURED
