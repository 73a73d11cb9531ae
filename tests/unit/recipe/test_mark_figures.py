"""Figures of the mark: intervals against slow loops, verdicts from intervals, and the shipped file against the page."""

import json
from pathlib import Path

import numpy as np
import pytest

from nonlocal_core.weights.findings import read_findings
from pretrained.recipe.mark.bootstrap import LEVEL, RESAMPLES, Resampled
from pretrained.recipe.mark.charts import CHARTS, Claim
from pretrained.recipe.mark.figures import figures_of, verdict_on
from pretrained.recipe.mark.records import merged, read_records, record_of, won_by_clip
from pretrained.recipe.mark.report import RECORDS, report, write_report
from pretrained.recipe.mark.variants import VARIANTS

PRETRAINED = Path(__file__).parents[3] / "pretrained"


def test_the_interval_equals_loops_that_draw_seeds_and_clips():
    rng = np.random.default_rng(1)
    values = {"first": rng.normal(size=(3, 7)), "second": rng.normal(1, 2, size=(2, 7))}
    found = Resampled(values, seed=5)
    draws = np.random.default_rng(5)
    clips = draws.integers(7, size=(RESAMPLES, 7))
    means = {}
    for name, value in values.items():
        seeds = draws.integers(len(value), size=(RESAMPLES, len(value)))
        means[name] = [
            sum(value[s, c] for s in seeds[r] for c in clips[r]) / (len(value) * 7) for r in range(RESAMPLES)
        ]
    np.testing.assert_allclose(found.interval("first")[1:], np.percentile(means["first"], LEVEL))
    gaps = np.array(means["first"]) - means["second"]
    expected = [values["first"].mean() - values["second"].mean(), *np.percentile(gaps, LEVEL)]
    np.testing.assert_allclose(found.interval("first", "second"), expected)


def test_either_chance_alone_widens_the_interval():
    clips, seeds = np.linspace(0, 1, 50)[None].repeat(4, 0), np.array([0.2, 0.4, 0.6, 0.8])[:, None].repeat(50, 1)
    found = Resampled({"clips": clips, "seeds": seeds, "neither": np.full((4, 50), 0.5), "both": (clips + seeds) / 2})
    width = {name: np.ptp(found.interval(name)[1:]) for name in ("clips", "seeds", "neither", "both")}
    assert width["neither"] == pytest.approx(0, abs=1e-12)
    assert width["clips"] > 0.1
    assert width["seeds"] > 0.3
    assert width["both"] > max(width["clips"], width["seeds"]) / 2


@pytest.mark.parametrize(
    ("kind", "difference", "verdict"),
    [
        ("better", [5, 1, 9], "holds here"),
        ("better", [-5, -9, -1], "does not hold here: the other way round"),
        ("better", [-1, -1.8, -0.1], "does not hold here: no difference of 3 points"),
        ("better", [0.5, -1, 2], "does not hold here: no difference of 3 points"),
        ("better", [2, -1, 5], "not told apart here"),
        ("alike", [1, 0.5, 2], "holds here, within 3 points"),
        ("alike", [5, 2, 8], "does not hold here"),
        ("alike", [1, -2, 4], "not told apart here"),
    ],
)
def test_a_verdict_follows_from_the_interval(kind, difference, verdict):
    assert verdict_on(Claim(words="", first="a", second="b", kind=kind), difference) == verdict


def log(right, looks=None):
    return {"right": right, "apart": ["123"] * len(right), "parameters": 7, "steps": 400, "seconds": 2.0,
            "looks": looks or {}, "course": [[50, 0.1], [100, 0.5]]}  # fmt: skip


def runs_of(**logs):
    """Records of the logs of each variant, one for each seed from 1 on."""
    return {
        name.replace("hops2_", "hops2-"): {seed: record_of(one) for seed, one in enumerate(found, start=1)}
        for name, found in logs.items()
    }


def test_figures_count_answers_from_chance_on():
    looking = log(["111", "111", "111"], {"marked": 0.5}), log(["111", "111", "000"], {"marked": 0.7})
    runs = runs_of(
        none=[log(["100", "010", "001"]), log(["100", "100", "010"])],
        embedded_gaussian=looking,
        hops2_blocks2=[log(["110", "011", "000"])],
    )
    figures = figures_of(runs)
    found = figures["variants"]
    assert found["none"]["won"] == [0, 0, 0]
    assert found["embedded_gaussian"]["by_seed"] == [100, 50]
    assert found["embedded_gaussian"]["won"][0] == 75
    assert found["embedded_gaussian"]["looks"] == {"marked": 0.6}
    assert found["hops2-blocks2"]["by_seed"] == [pytest.approx(100 * (4 / 9 - 0.5) / 0.5, abs=0.05)]
    assert found["none"]["by_frames_apart"] == {"1": 25.0, "2": 0.0, "3": -25.0}
    by_table = {chart["number"]: chart for chart in figures["charts"]}
    assert [bar["variant"] for bar in by_table["2a"]["bars"]] == ["none", "embedded_gaussian"]
    assert [claim["words"] for claim in by_table["2a"]["claims"]] == ["One block is better than none."]
    assert by_table["2b"]["claims"] == []
    assert "longer" not in figures


def test_what_is_not_run_again_stays_as_it_was():
    former = figures_of(runs_of(none=[log(["100"])], embedded_gaussian=[log(["111"])], space=[log(["100"])]))
    former["variants"]["space"]["won"] = [1.5, -1.0, 2.0]
    former["charts"][3]["claims"][0]["difference"] = [40.0, 30.0, 50.0]
    former["variants"]["gaussian"] = former["variants"]["none"] | {"by_seed": [1.0, 2.0]}
    runs = runs_of(embedded_gaussian=[log(["110"])], none=[log(["111"])], gaussian=[log(["111"])])
    figures = figures_of(runs, former)
    assert list(figures["variants"]) == ["gaussian", "embedded_gaussian", "none", "space"]
    assert figures["variants"]["gaussian"]["by_seed"] == [1.0, 2.0]
    assert figures["variants"]["space"]["won"] == [1.5, -1.0, 2.0]
    assert figures["variants"]["embedded_gaussian"]["by_seed"] == [50]
    (claim,) = figures["charts"][0]["claims"]
    assert (claim["difference"][0], claim["verdict"]) == (-50, "does not hold here: the other way round")
    (claim,) = figures["charts"][3]["claims"]
    assert (claim["difference"], claim["verdict"]) == ([40.0, 30.0, 50.0], "holds here")


def test_runs_are_added_by_variant_and_seed_and_lose_nothing_on_the_way(tmp_path):
    folder, longer, target = tmp_path / "runs", tmp_path / "longer.json", tmp_path / "pretrained"
    for made in (folder, target):
        made.mkdir()
    (folder / "hops2-blocks2-2.json").write_text(json.dumps(log(["110"])), encoding="utf-8")
    (folder / "none-1.json").write_text(json.dumps(log(["100"])), encoding="utf-8")
    asked = {"seed": 1, "right": ["110", "011"], "apart": ["123", "123"]}
    longer.write_text(json.dumps({"frames": 4, "variants": {"none": [asked]}}), encoding="utf-8")
    write_report(folder, longer, target)
    for path in (*folder.glob("*"), longer):
        path.unlink()
    (folder / "hops2-blocks2-1.json").write_text(json.dumps(log(["111"])), encoding="utf-8")
    (folder / "none-2.json").write_text(json.dumps(log(["010"])), encoding="utf-8")
    write_report(folder, longer, target)
    runs = read_records(target / RECORDS)
    assert {name: list(seeds) for name, seeds in runs.items()} == {"none": [1, 2], "hops2-blocks2": [1, 2]}
    figures = json.loads((target / "ablations.json").read_text(encoding="utf-8"))
    assert figures["variants"]["hops2-blocks2"]["by_seed"] == [100, pytest.approx(33.3)]
    assert (figures["longer"]["frames"], figures["longer"]["clips"]) == (4, 2)
    found = figures["longer"]["variants"]["none"]
    assert found == {"won": [50, 50, 50], "by_seed": [50], "by_frames_apart": {"1": 25, "2": 100, "3": 25}}


def test_a_run_that_was_done_again_takes_the_place_of_the_former():
    kept, new = runs_of(none=[log(["100"]), log(["100"])]), {"none": {2: record_of(log(["111"]))}}
    joined = merged(kept, new)
    assert [won_by_clip("none", record).mean() for record in joined["none"].values()] == [0, 100]


def test_a_run_has_started_where_it_never_falls_back_to_chance():
    fallen = log(["111"]) | {"course": [[50, 0.2], [100, 0.0], [150, 0.3]]}
    never = log(["100"]) | {"course": [[50, 0.2], [100, 0.01]]}
    found = figures_of(runs_of(embedded_gaussian=[log(["111"]), fallen], paper_start=[never]))["variants"]
    assert found["embedded_gaussian"]["started"] == [50, 150]
    assert found["paper_start"]["started"] == [None]


def test_what_is_shipped_is_what_the_page_and_the_report_show():
    figures = json.loads((PRETRAINED / "ablations.json").read_text(encoding="utf-8"))
    assert (PRETRAINED / "ABLATIONS.md").read_text(encoding="utf-8") == report(figures)
    assert figures_of(read_records(PRETRAINED / RECORDS), figures) == figures
    found = read_findings()
    assert found.clips == figures["clips"]
    for chart, given, shown in zip(CHARTS, figures["charts"], found.charts, strict=True):
        bars = [bar for bar in chart.bars if bar.variant in figures["variants"]]
        assert [bar.paper for bar in shown.bars] == [bar.paper for bar in bars]
        for bar, drawn in zip(bars, shown.bars, strict=True):
            variant = figures["variants"][bar.variant]
            assert [drawn.won.mean, drawn.won.low, drawn.won.high] == variant["won"]
            assert drawn.seeds == len(variant["by_seed"])
            assert drawn.won.mean == pytest.approx(np.mean(variant["by_seed"]), abs=0.1)
        claims = {claim.words: claim for claim in chart.claims}
        for claim, drawn in zip(given["claims"], shown.claims, strict=True):
            assert drawn.verdict == claim["verdict"] == verdict_on(claims[claim["words"]], claim["difference"])
            assert drawn.verdict.startswith("holds") or drawn.reason
            assert "{" not in drawn.reason
    assert set(figures["variants"]) <= set(VARIANTS)


def test_one_block_wins_what_none_can():
    (first, *_) = read_findings().charts
    bars = {bar.title: bar for bar in first.bars}
    assert bars["embedded Gaussian"].won.low - bars["no block"].won.high > 60
    assert all(bar.seeds >= 5 for bar in first.bars)


def test_on_longer_clips_what_compares_all_positions_wins_as_much_and_what_does_not_wins_less():
    figures = json.loads((PRETRAINED / "ablations.json").read_text(encoding="utf-8"))
    for name, found in figures["longer"]["variants"].items():
        before, (_, low, high) = figures["variants"][name]["won"][0], found["won"]
        if name in ("time", "conv333"):
            assert high < before
        else:
            assert low - 1 <= before <= high + 1
