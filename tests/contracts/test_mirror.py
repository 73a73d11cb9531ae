"""Every module has the tests of its name, or stands below with where its tests are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE, TESTS = ROOT / "nonlocal_core", ROOT / "tests" / "unit"

WHOLE_LAYERS = "parts of one reading, proved on whole layers: test_attention, test_calls, test_products, test_maps"
READERS = "readers of one library's layers: test_attention, test_maps, and tests/parity"
ONE_PICTURE = "parts of one figure: test_figure, test_writing, and the browser's test_same_everywhere"
RECORD = "a record or constants, without behaviour"
_IN = {
    WHOLE_LAYERS: (
        "capture/adapters",
        "by_hand search maps/proof maps/reader seen/calls seen/discovery seen/factors seen/function_heads seen/laid "
        "seen/outputs seen/padding seen/places seen/reader seen/scores seen/several seen/sources seen/tails "
        "tokens/family tokens/grids tokens/masks tokens/parts tokens/places tokens/reader tokens/rotary "
        "tokens/shapes",
    ),
    READERS: (
        "capture/adapters",
        "maps/gluoncv maps/mmcv maps/pyslowfast maps/query_conv maps/theta_phi_g maps/timm_nonlocal tokens/fused_qkv "
        "tokens/separate_qkv tokens/torch_attention",
    ),
    ONE_PICTURE: (
        "render",
        "address arrows banner layout legend marks movies notes pdf raster svg text",
    ),
}
ELSEWHERE = {f"{room}/{module}.py": reason for reason, (room, modules) in _IN.items() for module in modules.split()} | {
    "capture/rollout.py": "tests/unit/test_over_layers.py",
    "look/answer.py": RECORD,
    "look/quantities.py": "its doctest, and tests/unit/viewer/model/words.test.mjs",
    "look/recipe.py": "tests/unit/viewer/test_viewer_model.py",
    "models/inserted.py": RECORD,
    "survey/worker_child.py": "a process of its own: tests/unit/survey/test_local.py runs and kills it",
    "viewer/export.py": "tests/browser/test_export_html.py, tests/browser/test_course_file.py",
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
