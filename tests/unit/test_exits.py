"""What must be known of a reading goes wherever its answer goes; what failed its proof goes nowhere."""

import csv
import io
import json
import re
from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from exits import EXITS, NODE, POINT
from media_files import stamped, video
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, Selection, Session, read_frames
from nonlocal_core.app.widgets import cautions, charts
from nonlocal_core.bundle import decode_bundle
from nonlocal_core.capture.adapters.tokens.reader import TokenReader
from nonlocal_core.capture.record import UNTRAINED
from nonlocal_core.errors import CaptureError, UnknownNameError
from nonlocal_core.look import answer_words

SPEC = InputSpec(short_side=48, multiple_of=8, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
WIDTH, GRID = 12, (3, 6, 10)
NAME = "=SUM(A1:A9).mp4"  # a table must not begin a cell with it
NOTE = "Reads one half of the clip only, whatever it is asked, and says <nothing> of the other half."
REMARK = "rocks.mp4 does not say how it codes its colours; BT.709 is assumed, as players do."
CUT = f"{NAME} is cut short; what can be read of it is shown."
FEW = "4 frames were asked for, 3 can be given: the clip has no more from 0 s on."
STRANGE = ("strange", "is a Stranger, of a kind that this viewer cannot read")
NUMBERS_OF_A_BLOCK = {"row", "column", "row measures", "block measures", "matrix", "tracking", "Compare's difference"}
"""Exits that have no clip beside them: they say what is to be known of the block."""
PAGES = {"below Explore", "Inspect", "Track"}
RECORDS = {name for name in EXITS if name.startswith("record in ")}
PROOF = RECORDS | {"bundle", "viewer", "notebook", "html", "npz", "csv", "shell", "shell as JSON", "Inspect", "Track"}
"""Exits that say how the reading was proved."""
NOT_SHOWN = RECORDS | {"bundle", "notebook", "html", "shell", "shell as JSON"} | PAGES
"""Exits that list what the network has beside the blocks that are shown."""

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; it runs the viewer's modules")


class Two(nn.Module):
    """Tokens of a clip, and two attention layers of one head, one behind the other."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.patches = nn.Conv3d(3, WIDTH, (1, 8, 8), (1, 8, 8))
        self.sound, self.crooked = (nn.MultiheadAttention(WIDTH, 1, batch_first=True) for _ in range(2))
        for layer in (self.sound, self.crooked):
            nn.init.normal_(layer.in_proj_bias)

    def forward(self, clip):
        tokens = self.patches(clip).flatten(2).mT
        for layer in (self.sound, self.crooked):
            tokens = tokens + layer(tokens, tokens, tokens)[0]
        return tokens


def cut_clip():
    """A film of which only three of six frames are there."""
    faststart = {"movflags": "faststart"}
    whole = video(
        [stamped(number, (180, 300)) for number in range(6)], options={"bf": "0"}, container_options=faststart
    )
    with av.open(io.BytesIO(whole)) as film:
        start = [packet.pos for packet in film.demux(video=0) if packet.size][3]
    return whole[:start]


def opened(model, **more):
    return Session.from_model(
        model.eval(),
        read_frames(cut_clip(), Selection(frames=4), name=NAME),
        spec=ModelSpec(input_spec=SPEC, token_grid=GRID, title="Two", **more),
    )


def flat(text):
    """A text as it can be searched: spaces alike, and the marks of JSON undone."""
    return re.sub(r"\s+", " ", text.replace('\\"', '"').replace("\\u003c", "<"))


# What must be known


@pytest.fixture(scope="module")
def session():
    """Two blocks, one with a note of its own and one untrained, on a clip with two warnings."""
    found = opened(Two(), status="untrained")
    first, second = found.capture.blocks
    noted = replace(first, status="trained", note=NOTE)
    return replace(found, capture=replace(found.capture, blocks=(noted, second)), unreadable=(STRANGE,))


def test_the_session_is_what_the_walk_needs(session):
    assert [(block.name, block.status, block.note) for block in session.capture.blocks] == [
        ("sound", "trained", NOTE),
        ("crooked", "untrained", ""),
    ]
    assert session.frames.warnings == (CUT, FEW)


@needs_node
@pytest.mark.parametrize("block", ["sound", "crooked"])
@pytest.mark.parametrize("name", EXITS)
def test_what_must_be_known_leaves_by_every_exit(session, tmp_path, name, block):
    said = flat(EXITS[name](session if name != "notebook" else shows(session, block), block, tmp_path))
    expected = [NOTE if block == "sound" else UNTRAINED]
    expected += [] if name in NUMBERS_OF_A_BLOCK else [CUT, FEW]
    expected += [session.block(block).proof] if name in PROOF else []
    expected += STRANGE if name in NOT_SHOWN else []
    assert [sentence for sentence in expected if flat(sentence) not in said] == []
    if name not in ("Explore's charts", "below Explore"):  # which draw all blocks at once
        assert (UNTRAINED if block == "sound" else NOTE) not in said


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_numbers_say_the_cautions_first_and_the_proof_last(session, tmp_path, suffix):
    told = with_remark(session)
    path = told.save(tmp_path / f"numbers.{suffix}", **POINT, block="sound")
    note = (
        str(np.load(path)["note"])
        if suffix == "npz"
        else next(csv.DictReader(io.StringIO(path.read_text("utf-8"))))["note"]
    )
    assert note.removeprefix("Note: ") == " ".join(
        (NOTE, answer_words(told.query(**POINT, block="sound")), CUT, FEW, REMARK, told.block("sound").proof)
    )


def test_no_cell_of_a_table_begins_with_the_name_of_a_file(session, tmp_path):
    blocks = (replace(session.block("sound"), note=""),)
    bare = replace(session, capture=replace(session.capture, blocks=blocks))
    cells = [
        cell
        for line in csv.reader(io.StringIO(bare.save(tmp_path / "a.csv", **POINT).read_text("utf-8")))
        for cell in line
    ]
    assert [cell for cell in cells if cell.startswith("Note: ") and "=SUM(A1:A9).mp4 is cut short" in cell]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_a_remark_on_the_file_stands_in_the_record_and_on_no_picture(session, tmp_path):
    told = with_remark(session)
    record = json.loads(told.save(tmp_path / "record.json", **POINT, block="sound").read_text())
    assert record["remarks"] == [REMARK]
    assert record["warnings"] == [CUT, FEW]
    bundle = decode_bundle(told.bundle(block="sound"))
    assert (bundle.media.remarks, bundle.media.warnings) == ((REMARK,), (CUT, FEW))
    text = told.save(tmp_path / "figure.svg", **POINT, block="sound").read_text()
    assert REMARK not in flat(re.sub(r"<metadata.*?</metadata>", "", text, flags=re.DOTALL))
    assert REMARK not in cautions.sentences(told.frames, [NOTE])


def with_remark(session):
    info = replace(session.frames.info, remarks=(REMARK,))
    return replace(session, frames=replace(session.frames, info=info))


def shows(session, block):
    return replace(session, capture=replace(session.capture, shown=block))


def test_charts_of_several_blocks_say_whose_note_it_is(session):
    first, second = (session.query(**POINT, block=name) for name in ("sound", "crooked"))
    assert charts.notes({"A": first, "B": second}) == [f"A: {NOTE}", f"B: {UNTRAINED}"]
    assert charts.notes({"A": first, "B": first}) == [NOTE]
    many = {str(head): first for head in range(4)} | {"B": replace(second, note="")}
    assert charts.notes(many) == [f"4 of 5: {NOTE}"]


def test_a_table_begins_no_cell_with_a_formula(session, tmp_path):
    session.save(tmp_path / "a.csv", **POINT, block="sound")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert any(NAME in cell for cell in cells)
    assert not any(cell.startswith(("=", "+", "@", "\t")) for cell in cells)


def test_pictures_without_anything_to_know_of_them_say_nothing(session, tmp_path):
    frames = replace(session.frames, warnings=())
    plain = replace(session.block("sound"), note="")
    bare = replace(session, frames=frames, capture=replace(session.capture, blocks=(plain,)), unreadable=())
    assert bare.query(**POINT).note == ""
    sizes = []
    for asked in (session, bare):
        asked.save(tmp_path / "a.svg", **POINT, block="sound")
        sizes.append((tmp_path / "a.svg").read_text().count("<text "))
    assert sizes[0] - sizes[1] >= 2
    record = json.loads(bare.save(tmp_path / "a.json", **POINT).read_text())
    assert (record["note"], record["warnings"], record["unreadable"]) == ("", [], [])


@pytest.mark.parametrize(
    ("error", "within"), [(0.0, "0"), (2.5e-7, "3e-07"), (3e-7, "3e-07"), (9.7e-4, "0.001"), (0.046, "0.05")]
)
def test_the_figure_of_a_proof_is_never_rounded_below_what_was_measured(session, error, within):
    block = replace(session.block("sound"), rebuild_error=error)
    assert block.proof == (
        f"Reading proved: at every query, the output rebuilt from it equals the layer's own to {within} of its range."
    )
    assert float(within) >= error


def test_a_proof_says_where_and_in_which_precision(session):
    drawn = replace(session.block("sound"), rebuilt_queries=16, is_half=True, rebuild_error=1e-6)
    assert drawn.proof == (
        "Reading proved: at 16 queries drawn for this clip, the output rebuilt from it equals that of the layer, "
        "repeated in float32, to 1e-06 of its range. All queries were checked when the network first met this size."
    )


def test_a_block_that_adds_nothing_claims_no_proof(session):
    assert "no output to rebuild" in replace(session.block("sound"), rebuild_error=None).proof
    assert "proved" not in replace(session.block("sound"), rebuild_error=None).proof


@pytest.mark.parametrize(
    ("status", "note", "warning"),
    [
        ("trained", "", ""),
        ("trained", "A note.", "A note."),
        ("parameter_free", "A note.", "A note."),
        ("untrained", "", UNTRAINED),
        ("untrained", "A note.", f"{UNTRAINED} A note."),
        ("untrained", "Untrained: random projections.", "Untrained: random projections."),
    ],
)
def test_an_untrained_block_says_so_once(session, status, note, warning):
    assert replace(session.block("sound"), status=status, note=note).warning == warning


# What failed its proof


class Crooked(nn.MultiheadAttention):
    """Attention whose weights are bent after their softmax, so that they are those of none."""

    def forward(self, query, key, value):
        projected = nn.functional.linear(query, self.in_proj_weight, self.in_proj_bias)
        q, k, v = projected.chunk(3, dim=-1)
        weights = (q @ k.mT * self.head_dim**-0.5).softmax(dim=-1) ** 0.9
        return self.out_proj(weights @ v), weights


@pytest.fixture
def planted():
    """A network whose crooked layer puts out more than its weights say."""
    model = Two()
    crooked = Crooked(WIDTH, 1, batch_first=True)
    crooked.load_state_dict(model.crooked.state_dict())
    model.crooked = crooked
    return model


@pytest.fixture
def tables(planted, monkeypatch):
    """Theta and phi of both layers as they are read, whether they are shown or not."""
    read, kept = TokenReader.read, {}

    def keep(reader, x):
        reading = read(reader, x)
        # The first run's: a second one proves where the cells lie, on another clip.
        kept.setdefault(reader.attention.module, [table[0].numpy() for table in (reading.theta, reading.phi)])
        return reading

    monkeypatch.setattr(TokenReader, "read", keep)
    return lambda: [kept[planted.sound], kept[planted.crooked]]


@pytest.fixture
def proved(planted):
    return opened(planted)


def test_a_reading_that_fails_its_proof_is_listed_and_not_shown(proved):
    assert [block.name for block in proved.capture.blocks] == ["sound"]
    ((name, reason),) = proved.unreadable
    assert name == "crooked"
    assert re.search(r"\d", reason), "with the figure"


@needs_node
@pytest.mark.parametrize("name", EXITS)
def test_no_exit_has_it(proved, tmp_path, name):
    asked = EXITS[name]
    if name == "below Explore":
        assert "There is no block called 'crooked'" in asked(proved, "crooked", tmp_path)
    elif name in PAGES:  # an old link to it leads to a block that is there
        assert asked(proved, "crooked", tmp_path) == asked(proved, "sound", tmp_path)
    else:
        with pytest.raises(UnknownNameError, match="There is no block called 'crooked'"):
            asked(shows(proved, "crooked"), "crooked", tmp_path)
    assert list(tmp_path.iterdir()) == [], "no file, whole or in part"
    said = flat(asked(proved, "sound", tmp_path))
    ((_, reason),) = proved.unreadable
    listed = [f'[ "crooked", {json.dumps(reason)} ]', f'"name": "crooked", "reason": {json.dumps(reason)}']
    for sentence in (*proved.not_shown, *listed):
        said = said.replace(flat(sentence), "")
    assert "crooked" not in said


def test_no_bundle_holds_its_tables(proved, tables, planted):
    again = opened(planted)
    (good, bad), data = tables(), again.bundle() + again.columns_bundle()
    for theta, phi, there in ((*good, True), (*bad, False)):
        assert [stored(table) in data for table in (theta, phi)] == [there, there]


def stored(table):
    """A table as a bundle holds it."""
    return table.astype(np.float16).tobytes()


def test_a_network_of_which_nothing_was_proved_is_refused_with_the_figure(planted):
    planted.sound = nn.Identity()
    planted.forward = lambda clip: planted.crooked(*3 * [planted.patches(clip).flatten(2).mT])[0]
    with pytest.raises(CaptureError, match=r"no attention layer that can be shown\. crooked .*\d"):
        opened(planted)
