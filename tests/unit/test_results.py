"""The page of `make bench` puts ratios first, and says what was not measured."""

import subprocess

import pytest
import results
from figures import ratio

PRINTED = """A machine, a date.

### Whole block

| queries x keys | function | ours, ms | peer / ours | ours, MB | ours / peer |
|---|---|---|---|---|---|
| 784 x 196 | Gaussian | 12 | 1.31 (1.29 to 1.35) | 4 | 7% |

One row: 1.5 ms.

| keys | script p50 / p95 per hover |
|---|---|
| 1568 | 7.5 / 9.0 ms |
"""


def test_ratios_stand_first_with_what_they_are_ratios_of():
    page = results.page({"blocks": PRINTED}, "A machine.")
    ratios, _, rest = page.partition("## Whole blocks")
    assert "| 784 x 196 | Gaussian | 1.31 (1.29 to 1.35) | 7% |" in ratios
    assert "**Whole block**" in ratios
    assert "12" not in ratios.split("## Ratios")[1].replace("1.29", "")
    assert "7.5 / 9.0" not in ratios
    assert PRINTED.strip().replace("\n#", "\n##") in rest


def test_what_could_not_be_measured_is_said(monkeypatch):
    done = subprocess.CompletedProcess([], 1, stdout="half", stderr="Traceback\nmmcv is not installed")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    outputs, whole = results.run(["ops"], quick=True)
    assert not whole
    assert outputs["ops"].startswith("half")
    assert "Not measured to the end: mmcv is not installed" in outputs["ops"]


def test_every_benchmark_of_the_page_is_there():
    for name, each in results.BENCHMARKS.items():
        assert (results.HERE / f"{name}.py").is_file()
        assert each.title


@pytest.mark.parametrize(
    ("pairs", "said"),
    [(([2.0, 3.0, 4.0], [1.0, 1.0, 1.0]), "3.00 (2.50 to 3.50)"), (([3.0], [2.0]), "1.50 (1.50 to 1.50)")],
)
def test_a_ratio_has_its_middle_half(pairs, said):
    assert ratio(*pairs) == said
