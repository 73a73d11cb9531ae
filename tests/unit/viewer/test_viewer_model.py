"""The viewer's arithmetic, run by node from the very files that the browser gets, against explicit float64 matrices."""

import itertools
import json
import math
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bundles import full_bundle, make_block, make_bundle, make_frames

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture.record import Capture, in_a_chain
from nonlocal_core.errors import OutsideGridError, SelectionError
from nonlocal_core.geometry import WHOLE_FRAME, Cell, QueryGrid
from nonlocal_core.look import Look, answer_words, arrow_cells, bar_heights, heat_of, heats_of, strongest_layer, ticks
from nonlocal_core.measures import measure_row, top_overlap
from nonlocal_core.query import column, followed, row
from nonlocal_core.vocabulary import RULES, SCOPES

SCRIPTS = Path(__file__).parent
NODE = shutil.which("node")
FRAMES, GRID, POOLED = 4, (4, 7, 9), (2, 2, 2)
ROW_TOLERANCE = 2e-7  # of the row's maximum: the viewer keeps weights as float32, half a step is 6e-8
COLUMN_TOLERANCE = 5e-6  # the normaliser is a float32 of about 5, so exp of it is off by up to 5 * 6e-8 * e
SUM_TOLERANCE = 1e-5  # a sum of 252 float32 weights

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")


def run_node(*arguments):
    done = subprocess.run([NODE, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(tmp_path, data, questions):
    (tmp_path / "bundle.nlvb").write_bytes(data)
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    return json.loads(run_node(SCRIPTS / "answers.mjs", tmp_path / "bundle.nlvb", tmp_path / "questions.json"))


@cache
def allowed(scope, groups, pooled):
    """(Nq, Nk) bool: may query i attend to key j? One pair at a time, on grids of FRAMES x 7 x 9 cells."""
    shape = tuple(n // k for n, k in zip(GRID, pooled, strict=True))
    mask = np.zeros((math.prod(GRID), math.prod(shape)), bool)
    keys = list(itertools.product(*map(range, shape)))
    for i, query in enumerate(itertools.product(*map(range, GRID))):
        own = tuple(min(n // k, last - 1) for n, k, last in zip(query, pooled, shape, strict=True))
        for j, key in enumerate(keys):
            same_group = query[0] * groups // GRID[0] == key[0] * groups // shape[0]
            if scope == "space":
                mask[i, j] = key[0] == own[0]
            else:
                mask[i, j] = same_group and (scope == "spacetime" or key[1:] == own[1:])
    return mask


def matrix(block):
    """The whole affinity in float64, (Nq, Nk_all) with zeros where scope and groups forbid, and Nk."""
    mask = allowed(block.scope, block.temporal_groups, block.subsample)
    extra = np.zeros((len(mask), len(block.phi) - mask.shape[1]), bool)
    for i in range(len(mask)):
        own_t = min(i // (GRID[1] * GRID[2]) // block.subsample[0], block.key_grid.steps - 1)
        for j in range(extra.shape[1]):
            extra[i, j] = block.scope != "space" or j // len(block.off_grid_keys) == own_t
    mask = np.hstack([mask, extra])
    theta, phi = block.theta.astype(np.float64), block.phi.astype(np.float64)
    if block.pairwise == "concatenation":
        f = np.maximum(theta + phi.T, 0)
    elif block.pairwise == "dot_product":
        f = theta @ phi.T
    elif block.pairwise == "matched":
        f = (theta @ phi.T >= 0).astype(np.float64)
    else:
        f = np.exp(block.scale * (theta @ phi.T))
    f = np.where(mask, f, 0)
    counts = mask.sum(axis=1)
    summed = block.pairwise in ("gaussian", "embedded_gaussian", "matched")
    sums = f.sum(axis=1)
    return f / (np.where(sums > 0, sums, 1) if summed else counts)[:, None], counts


CASES = [
    (pairwise, scope, groups, pooled, off_grid)
    for pairwise, scope, groups, pooled in itertools.product(RULES, SCOPES, (1, 2), ((1, 1, 1), POOLED))
    for off_grid in ((), ("class token", "register"))
    if not (scope == "space" and groups == 2)
]


def title(case):
    pairwise, scope, groups, pooled, off_grid = case
    return f"{pairwise}-{scope}-{groups}-{pooled[2]}-{len(off_grid)}"


@pytest.fixture(scope="module")
def golden():
    """All cases in one bundle; concatenations get tables that leave some weights at zero."""
    blocks = [
        make_block(
            pairwise,
            name=title(case),
            grid=GRID,
            channels=6,
            subsample=pooled,
            scope=scope,
            groups=groups,
            off_grid=off_grid,
            seed=number,
        )
        for number, case in enumerate(CASES)
        for pairwise, scope, groups, pooled, off_grid in [case]
    ]
    halves = [make_bundle(*half, frames=make_frames(FRAMES)) for half in (blocks[:50], blocks[50:])]
    return [(data, decode_bundle(data)) for data in halves]


QUERIES = [(0, 0, 0), (1, 6, 8), (3, 3, 5), (2, 5, 7)]  # the first, two on odd edges that pooling drops, one within


@pytest.mark.parametrize("half", [0, 1])
def test_rows_are_those_of_the_matrix(golden, half, tmp_path):
    data, bundle = golden[half]
    asked = [(block.capture, query) for block in bundle.blocks for query in QUERIES]
    questions = [{"block": b.name, "direction": "row", "cell": dict(zip("tyx", q, strict=True))} for b, q in asked]
    found = ask(tmp_path, data, questions)
    assert found["id"] == bundle.id
    affinities = {block.capture.name: matrix(block.capture) for block in bundle.blocks}
    for (block, query), answer in zip(asked, found["answers"], strict=True):
        i = block.query_grid.index(Cell(*query))
        weights, count = affinities[block.name][0][i], affinities[block.name][1][i]
        on_grid, off_grid = weights[: block.key_grid.size], weights[block.key_grid.size :]
        peak = np.abs(weights).max()
        label = f"{block.name} {query}"
        np.testing.assert_allclose(answer["values"], on_grid, rtol=0, atol=ROW_TOLERANCE * peak, err_msg=label)
        assert not np.array(answer["values"])[on_grid == 0].any(), label
        folded = off_grid.reshape(block.off_grid_copies, -1).sum(axis=0)
        np.testing.assert_allclose(answer["offGrid"], folded, rtol=0, atol=ROW_TOLERANCE * peak, err_msg=label)
        assert answer["count"] == count == block.key_count, label
        check_figures(answer, on_grid, np.abs(weights).sum(), folded, block.key_grid, label)


@pytest.mark.parametrize("half", [0, 1])
def test_columns_are_made_of_the_same_weights(golden, half, tmp_path):
    data, bundle = golden[half]
    blocks = [block.capture for block in bundle.blocks]
    keys = [tuple(n - 1 for n in block.key_grid.shape) for block in blocks]
    questions = [
        {"block": b.name, "direction": "column", "cell": dict(zip("tyx", k, strict=True))}
        for b, k in zip(blocks, keys, strict=True)
    ]
    for block, key, answer in zip(blocks, keys, ask(tmp_path, data, questions)["answers"], strict=True):
        weights = matrix(block)[0][:, block.key_grid.index(Cell(*key))]
        np.testing.assert_allclose(answer["values"], weights, rtol=COLUMN_TOLERANCE, atol=1e-9, err_msg=block.name)
        assert not np.array(answer["values"])[weights == 0].any(), block.name
        assert answer["count"] == block.query_grid.size
        check_figures(answer, weights, np.abs(weights).sum(), np.zeros(0), block.query_grid, block.name)


LOOKS = ("", "each-root-over3", "linear-negatives-strength50")


@pytest.mark.parametrize("half", [0, 1])
def test_what_is_drawn_and_said_is_what_files_draw_and_say(golden, half, tmp_path):
    """Heat of every cell, its scale, the arrows, the bars, the ticks of the colour bar and the sentence."""
    data, bundle = golden[half]
    asked = []
    for number, block in enumerate(bundle.blocks):
        cells = (
            ("row", QUERIES[number % len(QUERIES)]),
            ("column", tuple(n - 1 for n in block.capture.key_grid.shape)),
        )
        asked += [(block, direction, cell, LOOKS[number % len(LOOKS)]) for direction, cell in cells]
    questions = [
        {"block": b.capture.name, "direction": d, "cell": dict(zip("tyx", c, strict=True)), "look": words}
        for b, d, c, words in asked
    ]
    with_negative = 0
    for (block, direction, cell, words), drawn in zip(asked, ask(tmp_path, data, questions)["answers"], strict=True):
        capture, label = block.capture, f"{block.capture.name} {direction} {cell} {words}"
        answer = row(capture, Cell(*cell)) if direction == "row" else _column(block, cell)
        heat = heat_of(answer, Look.parse(words))
        with_negative += (heat.times < 0).any()
        np.testing.assert_allclose(drawn["tops"], heat.tops, rtol=1e-5, err_msg=label)
        assert drawn["beyond"] == pytest.approx(heat.beyond, rel=1e-5), label
        assert (drawn["flat"], drawn["sentence"]) == (heat.is_flat, answer_words(answer)), label
        pixels = np.array(drawn["pixels"], np.uint32).view(np.uint8).reshape(*answer.grid.shape, 4).astype(int)
        for t in range(answer.grid.steps):
            colours, opacity = heat.coloured(heat.times[t], t)
            alpha = np.rint(255 * opacity).astype(int)
            # A weight on the edge between two levels may fall on either side.
            assert np.abs(pixels[t, ..., 3] - alpha).max() <= 1, label
            both = (alpha > 0) & (pixels[t, ..., 3] > 0)
            assert np.abs(pixels[t, ..., :3] - colours)[both].max(initial=0) <= 3, label
        assert drawn["peaks"] == [index for index, _ in arrow_cells(answer, heat, 9)], label
        heights, cut = bar_heights(answer.per_step_share)
        np.testing.assert_allclose(drawn["bars"]["heights"], heights, rtol=1e-5, atol=1e-9, err_msg=label)
        assert drawn["bars"]["cut"] == (-1 if cut is None else cut), label
        assert [times for _, times in drawn["ticks"]] == [times for _, times in ticks(heat)], label
    assert with_negative, "no dot product had a negative weight to draw"


def test_questions_of_several_cells_are_answered_as_in_python(golden, tmp_path):
    data, bundle = golden[0]
    cells, minus = [(0, 0, 0), (3, 6, 8), (1, 2, 3)], [(2, 3, 5), (2, 3, 6)]
    as_json = [[dict(zip("tyx", cell, strict=True)) for cell in some] for some in (cells, minus)]
    blocks = [block for block in bundle.blocks if "spacetime-1-1" in block.capture.name]
    cases = [(block, direction, less) for block in blocks for direction in ("row", "column") for less in (False, True)]
    questions = [
        {"block": block.capture.name, "direction": direction, "cell": as_json[0][0], "also": as_json[0][1:], "look": ""}
        | ({"minus": as_json[1]} if less else {})
        for block, direction, less in cases
    ]
    for (block, direction, less), drawn in zip(cases, ask(tmp_path, data, questions)["answers"], strict=True):
        taken = [Cell(*cell) for cell in minus] if less else []
        asked = [Cell(*cell) for cell in cells]
        if direction == "row":
            answer = row(block.capture, asked[0], also=asked[1:], minus=taken)
        else:
            answer = _column(block, cells[0], also=asked[1:], minus=taken)
        heat, label = heat_of(answer, Look()), f"{block.capture.name} {direction} {less}"
        assert drawn["sentence"] == answer_words(answer), label
        np.testing.assert_allclose(drawn["tops"], heat.tops, rtol=1e-5, err_msg=label)
        alpha = np.array(drawn["pixels"], np.uint32).view(np.uint8).reshape(*answer.grid.shape, 4)[..., 3].astype(int)
        expected = np.stack([np.rint(255 * heat.coloured(heat.times[t], t)[1]) for t in range(answer.grid.steps)])
        assert np.abs(alpha - expected).max() <= 1, label
        assert drawn["peaks"] == [index for index, _ in arrow_cells(answer, heat, 9)], label


def test_pins_are_drawn_together_as_in_python(golden, tmp_path):
    data, bundle = golden[0]
    cells = [(0, 0, 0), (3, 6, 8), (1, 2, 3)]
    blocks = [block for block in bundle.blocks if "spacetime-1-1" in block.capture.name]
    cases = [(b, direction, words) for b in blocks for direction in ("row", "column") for words in ("", "each-over2")]
    questions = [
        {"block": b.capture.name, "direction": d, "pins": [dict(zip("tyx", c, strict=True)) for c in cells], "look": w}
        for b, d, w in cases
    ]
    hues = set()
    for (block, direction, words), drawn in zip(cases, ask(tmp_path, data, questions)["answers"], strict=True):
        by_row = direction == "row"
        answers = [row(block.capture, Cell(*cell)) if by_row else _column(block, cell) for cell in cells]
        heats, label = heats_of(answers, Look.parse(words)), f"{block.capture.name} {direction} {words}"
        np.testing.assert_allclose(drawn["tops"], heats[0].tops, rtol=1e-5, err_msg=label)
        np.testing.assert_allclose(drawn["beyond"], [heat.beyond for heat in heats], rtol=1e-5, err_msg=label)
        grid = answers[0].grid
        pixels = np.array(drawn["pixels"], np.uint32).view(np.uint8).reshape(*grid.shape, 4).astype(int)
        for t in range(grid.steps):
            leading = strongest_layer([heat.times[t] for heat in heats], heats)
            for pin, heat in enumerate(heats):
                colours, opacity = heat.coloured(heat.times[t], t)
                alpha = np.rint(255 * opacity).astype(int)
                of_this = leading == pin
                assert np.abs(pixels[t, ..., 3] - alpha)[of_this].max(initial=0) <= 1, label
                seen = of_this & (alpha > 0) & (pixels[t, ..., 3] > 0)
                assert np.abs(pixels[t, ..., :3] - colours)[seen].max(initial=0) <= 3, label
                hues |= {pin} if seen.any() else set()
    assert hues == {0, 1, 2}, "every pin leads somewhere"


@pytest.mark.parametrize("hops", [2, 4])
def test_further_hops_end_where_python_ends(tmp_path, hops):
    """Through a block of another size, pooled keys and a head beside it; rows that pass nothing on have none."""
    fine = [
        make_block("matched", name=f"fine.head{h}", grid=GRID, channels=6, subsample=POOLED, seed=2 + h) for h in (0, 1)
    ]
    kinds = [
        make_block("dot_product", name="signed", grid=(FRAMES, 5, 4), channels=3),
        make_block("gaussian", name="coarse", grid=(FRAMES, 4, 6), channels=3, seed=1),
        *(replace(block, head=head) for head, block in enumerate(fine)),
        make_block("embedded_gaussian", name="last", grid=GRID, channels=6, off_grid=("class token",), seed=5),
    ]
    data = make_bundle(*in_a_chain(kinds), frames=make_frames(FRAMES))
    network = Capture(blocks=tuple(block.capture for block in decode_bundle(data).blocks))
    cell = Cell(1, 2, 3)
    questions = [{"block": b.name, "cell": cell._asdict(), "hops": hops} for b in network.blocks]
    for block, answer in zip(network.blocks, ask(tmp_path, data, questions)["answers"], strict=True):
        try:
            route = network.route(block, hops)
        except SelectionError:
            assert answer is None
            continue
        expected = followed(row(block, cell), route)
        np.testing.assert_allclose(answer["values"], expected.values, atol=1e-6)
        np.testing.assert_allclose(answer["offGrid"], list(expected.off_grid.values()), atol=1e-6)
        assert expected.note.startswith(answer["words"])


def layer_of_heads(name, *, count=3, **facts):
    """The heads of one layer; each has tables and a scale of its own."""
    return [
        replace(
            make_block(name=f"{name}.head{head}", grid=GRID, channels=5, scale=0.4 + head, seed=40 + head, **facts),
            **{"title": f"{name} · head {head + 1}", "head": head, "head_count": count},
        )
        for head in range(count)
    ]


def test_the_mean_of_heads_is_that_of_their_matrices(tmp_path):
    """In rows, columns and at a temperature; behind the heads of its layer, and of a layer that is whole."""
    whole = layer_of_heads("whole", subsample=POOLED)
    space = layer_of_heads("space", scope="space", off_grid=("class token",))
    blocks = [*whole, *space, *layer_of_heads("part", count=2)[:1]]
    data = make_bundle(*blocks, frames=make_frames(FRAMES))
    stored = decode_bundle(data)
    for heads in (stored.blocks[:3], stored.blocks[3:6]):
        captured = [head.capture for head in heads]
        name, grid, keys = f"{captured[0].layer}.mean", captured[0].query_grid, captured[0].key_grid
        affinity = np.mean([matrix(head)[0] for head in captured], axis=0)
        flat = np.mean([matrix(replace(head, scale=head.scale / 2.0))[0] for head in captured], axis=0)
        at, on = Cell(1, 6, 8), Cell(1, 2, 3)
        row_of, column_of, warm = ask(
            tmp_path,
            data,
            [
                {"block": name, "direction": "row", "cell": at._asdict()},
                {"block": name, "direction": "column", "cell": on._asdict()},
                {"block": name, "direction": "row", "cell": at._asdict(), "temperature": 2.0, "look": ""},
            ],
        )["answers"]
        weights = affinity[grid.index(at)]
        np.testing.assert_allclose(row_of["values"], weights[: keys.size], atol=ROW_TOLERANCE * weights.max())
        np.testing.assert_allclose(
            row_of["offGrid"], weights[keys.size :].reshape(captured[0].off_grid_copies, -1).sum(0)
        )
        looked_at = affinity[:, keys.index(on)]
        np.testing.assert_allclose(column_of["values"], looked_at, atol=COLUMN_TOLERANCE * looked_at.max())
        np.testing.assert_allclose(warm["values"], flat[grid.index(at)][: keys.size], atol=ROW_TOLERANCE)
    capture = Capture(blocks=tuple(block.capture for block in stored.blocks))
    assert [block.name for block in capture.means] == ["whole.mean", "space.mean"]


@pytest.mark.parametrize("temperature", [0.3, 5.0])
def test_a_temperature_changes_a_softmax_alone_and_says_so(golden, tmp_path, temperature):
    data, bundle = golden[0]
    questions = [
        {"block": block.capture.name, "direction": direction, "cell": {"t": 1, "y": 2, "x": 3}, "look": ""}
        | ({"temperature": temperature} if tempered else {})
        for block in bundle.blocks
        for direction in ("row", "column")
        for tempered in (True, False)
    ]
    answers = iter(ask(tmp_path, data, questions)["answers"])
    softmaxes = 0
    for block in bundle.blocks:
        for direction in ("row", "column"):
            tempered, plain = next(answers), next(answers)
            assert plain["caution"] == ""
            if direction == "column" or not block.capture.is_softmax:
                assert tempered == plain
                continue
            softmaxes += 1
            expected = row(block.capture, Cell(1, 2, 3), temperature=temperature)
            np.testing.assert_allclose(tempered["values"], expected.values, rtol=1e-4, atol=1e-9)
            assert tempered["sentence"] == answer_words(expected)
            assert tempered["caution"]
            assert expected.note.startswith(tempered["caution"])
    assert softmaxes


def _column(block, cell, **more):
    normaliser = None if block.log_normaliser is None else block.log_normaliser.astype(np.float64)
    return column(block.capture, Cell(*cell), normaliser, **more)


def check_figures(answer, weights, mass, off_grid, grid, label):
    """Shares, spread and strongest cells follow from the weights."""
    assert answer["mass"] == pytest.approx(mass, rel=SUM_TOLERANCE), label
    if not (
        np.append(weights, off_grid) > 0
    ).any():  # a concatenation whose ReLU closes every key, a dot product of one sign
        assert not any(answer["shares"]), label
        assert (answer["spread"], answer["top"]) == (0, []), label
        return
    positive = np.maximum(weights, 0)
    p = np.concatenate([positive, np.maximum(off_grid, 0)])
    p /= p.sum()
    shares = p[: len(weights)].reshape(grid.steps, -1).sum(axis=1)
    np.testing.assert_allclose(answer["shares"], shares, rtol=SUM_TOLERANCE, atol=1e-9, err_msg=label)
    p = p[p > 0]
    assert answer["spread"] == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=SUM_TOLERANCE), label
    ranked = sorted(weights, reverse=True)[: len(answer["top"])]
    np.testing.assert_allclose(weights[answer["top"]], ranked, rtol=COLUMN_TOLERANCE, err_msg=label)
    assert len(answer["top"]) == min(9, np.count_nonzero(positive)), label


@pytest.mark.parametrize("box", [WHOLE_FRAME, (0.125, 0.0, 0.875, 1.0), (-0.1, -0.05, 1.2, 1.15)])
def test_points_and_cells_are_those_of_geometry(box, tmp_path):
    block = make_block(grid=(2, 7, 9), clip_frames=5)
    queries = QueryGrid.over_clip(clip_frames=5, steps=2, rows=7, cols=9, box=box)
    keys = queries.pooled((1, 2, 2))
    block = make_block(grid=(2, 7, 9), clip_frames=5, subsample=(1, 2, 2))
    block = type(block)(
        **{name: getattr(block, name) for name in block.__slots__} | {"query_grid": queries, "key_grid": keys}
    )
    rng = np.random.default_rng(5)
    points = [
        {"frame": int(frame), "x": float(x), "y": float(y)}
        for frame, x, y in zip(rng.integers(0, 5, 300), rng.random(300), rng.random(300), strict=True)
    ]
    points += [{"frame": 4, "x": x, "y": y} for x, y in itertools.product((0.0, 0.125, 0.5, 0.875, 1.0), repeat=2)]
    questions = [
        {"block": block.name, "point": point, "grid": grid} for point in points for grid in ("query_grid", "key_grid")
    ]
    answers = ask(tmp_path, make_bundle(block), questions)["answers"]
    outside = 0
    for question, answer in zip(questions, answers, strict=True):
        grid = queries if question["grid"] == "query_grid" else keys
        try:
            cell = grid.cell_at(**question["point"])
        except OutsideGridError:
            assert answer["cell"] is None, question
            outside += 1
            continue
        assert tuple(answer["cell"][axis] for axis in "tyx") == cell, question
        x0, y0, x1, y1 = np.clip(grid.bounds(cell), 0, 1)
        found = answer["bounds"]
        np.testing.assert_allclose(
            [found["left"], found["top"], found["width"], found["height"]], [x0, y0, x1 - x0, y1 - y0], atol=1e-12
        )
        assert answer["middle"]["frame"] == grid.span(cell.t)[0]
    assert outside > 0, "a key grid of odd sizes ends before the frame does"


def test_figures_side_by_side_are_those_of_the_measures(tmp_path):
    """The measures themselves are held to explicit loops elsewhere; here the browser's are held to them."""
    facts = {"grid": GRID, "channels": 6, "off_grid": ("class token", "register")}
    blocks = [
        make_block(pairwise, name=f"{pairwise}-{side}-{scope}", subsample=(2, 2, 2), scope=scope, seed=seed, **facts)
        for seed, (pairwise, scope, side) in enumerate(
            itertools.product(("gaussian", "dot_product"), ("spacetime", "space"), ("one", "two"))
        )
    ]
    frames = make_frames(FRAMES)
    data = make_bundle(*blocks, frames=frames)
    captures = {block.capture.name: block.capture for block in decode_bundle(data).blocks}
    clip = {"shown_hw": frames.info.shown_hw, "pts_seconds": frames.pts_seconds}
    asked = [
        (name, name.replace("one", "two"), cell)
        for name in captures
        if "one" in name
        for cell in ((0, 0, 0), (3, 5, 7))
    ]
    questions = []
    for name, other, cell in asked:
        x, y = captures[name].query_grid.center(Cell(*cell))
        questions.append({"block": name, "other": other, "point": {"frame": cell[0], "x": x, "y": y}})
    found = ask(tmp_path, data, questions)["answers"]
    for (name, other, cell), given in zip(asked, found, strict=True):
        first, second = (row(captures[block], Cell(*cell)) for block in (name, other))
        figures, label = measure_row(first, **clip), f"{name} {cell}"
        expected = {
            "spread": figures.effective_keys,
            "ownCell": figures.own_cell_share,
            "ownFrame": figures.own_step_share,
            "distance": figures.distance,
            "seconds": figures.seconds_away,
            "times": figures.top_times_uniform,
        }
        assert given["figures"] == pytest.approx(expected, rel=SUM_TOLERANCE), label
        assert given["overlap"] == pytest.approx(top_overlap(first, second)), label
        even = [
            answer.values * answer.key_count / np.maximum([*answer.values, *answer.off_grid.values()], 0).sum()
            for answer in (first, second)
        ]
        np.testing.assert_allclose(given["signed"], even[0] - even[1], atol=1e-4, err_msg=label)
        drawn = [np.maximum(times, 0) for times in even]
        np.testing.assert_allclose(given["difference"], drawn[0] - drawn[1], atol=1e-4, err_msg=label)


@pytest.mark.parametrize("path", sorted(SCRIPTS.rglob("*.test.mjs")), ids=lambda path: path.name)
def test_parts_without_a_page(path):
    run_node("--test", path)


def test_the_matrix_can_tell_a_wrong_row(golden, tmp_path):
    """A meta-test: weights that another query has must not pass."""
    data, bundle = golden[0]
    block = bundle.blocks[0].capture
    question = {"block": block.name, "direction": "row", "cell": {"t": 0, "y": 0, "x": 0}}
    answer = ask(tmp_path, data, [question])["answers"][0]
    right, wrong = matrix(block)[0][:2]
    difference = [np.abs(np.array(answer["values"]) - row).max() / row.max() for row in (right, wrong)]
    assert difference[0] < ROW_TOLERANCE < 1000 * ROW_TOLERANCE < difference[1]


def test_a_damaged_bundle_is_refused_by_the_viewer_too(tmp_path):
    (tmp_path / "cut.nlvb").write_bytes(full_bundle()[:-4000])
    (tmp_path / "questions.json").write_text("[]")
    with pytest.raises(AssertionError, match="cut off"):
        run_node(SCRIPTS / "answers.mjs", tmp_path / "cut.nlvb", tmp_path / "questions.json")
