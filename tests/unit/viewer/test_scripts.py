"""The joined scripts: what they hold, in which order, and which faults of a module stop them from being made."""

import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from nonlocal_core.errors import ScriptError
from nonlocal_core.render.figure import GLOW, MARK, PALE, STRIPE, STRIPES_APART
from nonlocal_core.viewer import viewer_css, viewer_js
from nonlocal_core.viewer.scripts import (
    compared_js,
    course_css,
    course_js,
    guess_css,
    guess_js,
    join_scripts,
    offline_js,
    page_css,
    page_js,
    scribbles_js,
    site_css,
    site_js,
    worker_js,
)

NODE = shutil.which("node")
VIEWER = Path(str(resources.files("nonlocal_core.viewer")))
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")


def run_node(*arguments):
    done = subprocess.run([NODE, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path = path.with_suffix(".js")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


@needs_node
def test_the_component_is_one_module_that_imports_nothing(tmp_path):
    joined = tmp_path / "viewer.mjs"
    joined.write_text(viewer_js(), encoding="utf-8")
    run_node("--check", joined)
    names = run_node("--input-type=module", "-e", f"console.log(Object.keys(await import({json.dumps(str(joined))})))")
    assert names.strip() == "[ 'default' ]"
    assert not re.search(r"^import\b", viewer_js(), re.MULTILINE)


@needs_node
@pytest.mark.parametrize("script", [page_js, course_js, guess_js, scribbles_js, site_js, worker_js, offline_js])
def test_a_joined_script_is_one_module_in_which_no_name_stands_twice(tmp_path, script):
    joined = tmp_path / "page.mjs"
    joined.write_text(script(), encoding="utf-8")
    run_node("--check", joined)


def first_line(path):
    return path.read_text("utf-8").splitlines()[0]


def test_every_file_of_the_viewer_is_shipped_once_by_what_needs_it():
    shipped = (
        viewer_js(),
        page_js(),
        compared_js(),
        course_js(),
        guess_js(),
        scribbles_js(),
        site_js(),
        worker_js(),
        offline_js(),
    )
    for path in VIEWER.glob("*/*.js"):
        assert {script.count(first_line(path)) for script in shipped} in ({0, 1}, {1}), path
    alone = {path.name for path in VIEWER.glob("*/*.js") if first_line(path) not in page_js()}
    assert {"comparison.js", "figures.js", "streamlit.js"} <= alone, "the exported page has one view and no server"
    assert viewer_js().count(first_line(VIEWER / "model" / "grid.js")) == 1


@needs_node
def test_a_module_stands_after_what_it_imports_and_is_there_once(tmp_path):
    write(
        tmp_path,
        entry__start='import { one } from "../model/one.js";\nimport { two } from "./two.js";\n'
        "console.log(one, two);\n",
        entry__two='import {\n  one,\n} from "../model/one.js";\nexport const two = one + 1;\n',
        model__one='// import { nothing } from "./nowhere.js" is only a comment\nexport const one = 1;\n',
        model__unused="export const unused = 3;\n",
    )
    joined = join_scripts(tmp_path, "entry/start.js")
    assert run_node("--input-type=module", "-e", joined).strip() == "1 2"
    assert joined.count("const one") == 1
    assert "unused" not in joined


def test_a_circle_is_an_error_that_names_it(tmp_path):
    write(
        tmp_path,
        start='import { a } from "./a.js";\n',
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(
        ScriptError, match=r"in a circle; (a\.js imports b\.js imports a\.js|b\.js imports a\.js imports b\.js)\."
    ):
        join_scripts(tmp_path, "start.js")


def test_a_missing_file_is_an_error_that_names_who_imports_it(tmp_path):
    write(tmp_path, entry__start='import { gone } from "../model/gone.js";\n')
    with pytest.raises(ScriptError, match=r"entry/start\.js imports model/gone\.js, which is not there"):
        join_scripts(tmp_path, "entry/start.js")
    with pytest.raises(ScriptError, match=r"other\.js was asked for, which is not there"):
        join_scripts(tmp_path, "other.js")


@pytest.mark.parametrize(
    "statement",
    [
        'import { one as first } from "./one.js";',
        'import * as one from "./one.js";',
        'import one from "./one.js";',
        'import "./one.js";',
        'import { one } from "one";',
    ],
)
def test_an_import_that_has_no_meaning_in_one_script_is_an_error(tmp_path, statement):
    write(tmp_path, start=f"{statement}\n", one="export const one = 1;\n")
    with pytest.raises(ScriptError, match=r"start\.js has " + re.escape(statement)):
        join_scripts(tmp_path, "start.js")


def test_every_sheet_is_shipped_where_what_it_styles_is():
    for path in VIEWER.glob("*/*.css"):
        text = path.read_text("utf-8")
        taught = path.name in ("guess.css", "facts.css")
        assert (text in viewer_css()) == (path.name not in ("page.css", "site.css") and not taught), path
        assert (text in page_css()) == (path.name not in ("comparison.css", "lesson.css", "site.css") and not taught), (
            path
        )
        assert (text in site_css()) == (path.name != "lesson.css" and not taught), path
        assert (text in course_css()) == (path.name not in ("comparison.css", "site.css")), path
        assert (text in guess_css()) == (path.name in ("base.css", "controls.css", "guess.css")), path


def test_every_class_of_a_sheet_is_given_by_a_script():
    given = "\n".join(path.read_text("utf-8") for path in VIEWER.glob("*/*.js"))
    styled = set(re.findall(r"\.((?:nlv|is|has)-[a-z-]+)", viewer_css() + course_css()))
    assert len(styled) > 60
    assert not {name for name in styled if not re.search(rf"\b{name}\b", given)}


def test_bars_have_one_set_of_colours_on_screen_and_in_files():
    drawn = (VIEWER / "drawing" / "figure.js").read_text("utf-8")
    glow, pale, stripe = (f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in (GLOW, PALE, STRIPE))
    assert f"--glow: {glow};" in viewer_css()
    assert f'"{glow}", "{pale}", "{stripe}", {STRIPES_APART}, {MARK}]' in drawn
