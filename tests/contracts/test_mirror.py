"""Every module has the tests of its name, or stands below with where its tests are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE, TESTS = ROOT / "nonlocal_core", ROOT / "tests" / "unit"
ELSEWHERE: dict[str, str] = {}
"""Module without tests of its name, and the reason."""


def untested() -> set[str]:
    modules = (path.relative_to(CORE) for path in CORE.rglob("*.py") if path.stem != "__init__")
    return {module.as_posix() for module in modules if not (TESTS / module.parent / f"test_{module.name}").is_file()}


def test_every_module_has_tests_of_its_name_or_a_reason():
    assert sorted(untested() - ELSEWHERE.keys()) == []


def test_every_reason_is_still_needed():
    assert sorted(ELSEWHERE.keys() - untested()) == []
