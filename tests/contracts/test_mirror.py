"""Every module has the tests of its name, or stands below with where its tests are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE, TESTS = ROOT / "nonlocal_core", ROOT / "tests" / "unit"

RECORD = "a record or constants, without behaviour"
ELSEWHERE = {
    "look/answer.py": RECORD,
    "look/recipe.py": "tests/unit/viewer/test_viewer_model.py",
    "models/inserted.py": RECORD,
    "survey/worker_child.py": "a process of its own: tests/unit/survey/test_local.py runs and kills it",
    "viewer/export.py": "tests/browser: test_export_html, test_export_words, test_export_sizes, test_export_safety",
    "viewer/notebook.py": "tests/unit/test_notebook.py",
    "vocabulary.py": RECORD,
}
"""Module without tests of its name, and where they are."""


def untested() -> set[str]:
    modules = (path.relative_to(CORE) for path in CORE.rglob("*.py") if path.stem != "__init__")
    return {module.as_posix() for module in modules if not (TESTS / module.parent / f"test_{module.name}").is_file()}


def test_every_module_has_tests_of_its_name_or_a_reason():
    assert sorted(untested() - ELSEWHERE.keys()) == []


def test_every_reason_is_still_needed():
    assert sorted(ELSEWHERE.keys() - untested()) == []
