"""Other people's networks in the viewer: a live page is written from Python and pointed at in a real Chromium."""

import importlib
import re
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from foreign_kinds import Windowed
from playwright.sync_api import expect
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, Pin, Session, compare
from nonlocal_core.look import answer_words

pytestmark = pytest.mark.browser

SQUARES = ModelSpec(
    status="untrained", input_spec=InputSpec(short_side=96, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
)


def peer(name):
    if find_spec(name.split(".")[0]) is None:
        pytest.skip(f"{name.split('.')[0]} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peers warn about at import is theirs
        return importlib.import_module(name)


def vision_transformer():
    library = peer("transformers")
    torch.manual_seed(2)
    config = library.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=32, image_size=48, patch_size=8
    )
    return library.ViTModel(config).eval()


def network_around_mmcv():
    block = peer("mmcv.cnn.bricks.non_local").NonLocal2d(16, sub_sample=True)
    torch.manual_seed(3)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.3)
    return nn.Sequential(nn.Conv2d(3, 16, 7, stride=8, padding=3), nn.ReLU(), block).eval()


class Registered(nn.Module):
    """A transformer of images with two tokens before the patches, which then look at the words of a text."""

    def __init__(self):
        super().__init__()
        self.patches, self.attention = nn.Conv2d(3, 24, 16, 16), nn.MultiheadAttention(24, 2, batch_first=True)
        self.first, self.words = nn.Parameter(torch.randn(1, 2, 24)), nn.Parameter(torch.randn(1, 3, 24))
        self.cross = nn.MultiheadAttention(24, 2, batch_first=True)

    def forward(self, x):
        tokens = torch.cat([self.first.expand(len(x), -1, -1), self.patches(x).flatten(2).mT], dim=1)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        words = self.words.expand(len(x), -1, -1)
        return self.cross(tokens, words, words)[0]


@pytest.mark.parametrize(
    ("make", "blocks", "grid"),
    [(vision_transformer, 6, (3, 6, 6)), (network_around_mmcv, 1, (3, 28, 48))],
)
def test_it_opens_and_answers_as_the_api_does(chromium, tmp_path, make, blocks, grid):
    session = Session.from_model(make(), "sample:bunny", spec=ModelSpec(status="untrained", title="Theirs"), frames=3)
    assert len(session.capture.blocks) == blocks
    assert max(block.rebuild_error for block in session.capture.blocks) < 1e-3
    path = session.save(tmp_path / "page.html", frame=1, x=0.5, y=0.5)
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    viewer = page.locator("[data-ready]")
    expect(page.locator(".nlv-badge")).to_contain_text("untrained")
    picture = page.locator(".nlv-asks .nlv-picture").first
    box = picture.bounding_box()
    at = {"x": 0.52, "y": 0.31}
    if session.view.crop != (0, 0, 1, 1):  # the network saw the central square only
        at["x"] = 0.5
    page.mouse.move(box["x"] + at["x"] * box["width"], box["y"] + at["y"] * box["height"], steps=3)
    row = session.query(frame=1, **at)
    assert row.grid.shape[0] == grid[0]
    assert session.block().query_grid.shape == grid
    expect(viewer).to_have_attribute("data-cell", ",".join(map(str, row.query)))
    shown = [float(text.rstrip(" %").lstrip("<")) for text in page.locator(".nlv-share").all_inner_texts()]
    np.testing.assert_allclose(shown, 100 * row.per_step_share, atol=0.51)
    assert complaints == []
    context.close()


def test_the_wall_of_a_window_is_drawn_and_said(chromium, tmp_path):
    seen = InputSpec(short_side=32, multiple_of=16, mean=(0.5,) * 3, std=(0.5,) * 3)
    clip = np.random.default_rng(3).integers(0, 256, (2, 64, 96, 3), np.uint8)
    torch.manual_seed(4)
    session = Session.from_model(Windowed((2, 3)).eval(), clip, spec=ModelSpec(status="untrained", input_spec=seen))
    block = session.block("shifted.attention.head0")
    assert block.query_grid.shape == (2, 8, 12)
    path = session.save(tmp_path / "page.html", block=block.name, frame=1, x=0.46, y=0.44)
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    viewer, wall = page.locator("[data-ready]"), page.locator(".nlv-answers .nlv-wall-line")
    row = session.query(frame=1, x=0.46, y=0.44, block=block.name)
    expect(viewer).to_have_attribute("data-shown", "1")
    ys, xs = np.nonzero(row.heat[1] > 1e-30)
    assert (len(ys), ys.max() - ys.min(), xs.max() - xs.min()) == (6, 1, 2)  # one window, of 2 x 3 cells
    sides = re.findall(r"M([\d.]+) ([\d.]+)([hv])", wall.get_attribute("d"))
    assert len(sides) == 2 * (2 + 3)
    left, top = (min(float(side[axis]) for side in sides) for axis in (0, 1))
    assert (left, top) == pytest.approx((xs.min() / 12, ys.min() / 8))
    strip = [page.locator(f".nlv-film [data-frame='{frame}'] .nlv-wall-line") for frame in (0, 1)]
    expect(strip[0]).to_be_hidden()
    expect(strip[1]).to_have_attribute("d", wall.get_attribute("d"))
    expect(page.locator(".nlv-root, body").first).to_contain_text("It attends within windows")
    page.keyboard.press("b")
    expect(wall).to_have_count(1)
    context.close()


def test_a_wall_is_drawn_in_every_pane_of_a_comparison_and_both_in_their_difference(chromium, tmp_path):
    seen = InputSpec(short_side=32, multiple_of=16, mean=(0.5,) * 3, std=(0.5,) * 3)
    spec = ModelSpec(status="untrained", input_spec=seen)
    clip = np.random.default_rng(3).integers(0, 256, (2, 64, 96, 3), np.uint8)
    torch.manual_seed(4)
    small, tall = (Session.from_model(Windowed(window).eval(), clip, spec=spec) for window in ((2, 3), (4, 3)))
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    both = compare({"one": small, "two": tall}, block="shifted.attention.head0")
    page.goto(both.save(tmp_path / "both.html", frame=1, x=0.46, y=0.44).as_uri())
    panes, difference = page.locator(".nlv-pane[data-block]"), page.locator(".nlv-pane[data-peak]")
    expect(panes).to_have_count(2)
    drawn = []
    for pane in (panes.nth(0), panes.nth(1), difference):
        large = pane.locator(".nlv-answers .nlv-wall-line")
        expect(large).to_have_attribute("d", re.compile("M.*h.*v"))
        strip = pane.locator("[data-frame='1'] .nlv-wall-line")
        drawn.append(large.get_attribute("d"))
        expect(strip).to_have_attribute("d", drawn[-1])
    assert drawn[0] != drawn[1]
    assert drawn[2] == drawn[0] + drawn[1]
    page.context.close()


def test_a_notebook_cell_holds_the_live_viewer(chromium):
    session = Session.open("sample:coins", short_side=128)
    context = chromium.new_context(viewport={"width": 1000, "height": 950})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_content(f"<main>{session._repr_html_()}</main>")
    inside = page.frame_locator("iframe")
    viewer = inside.locator("[data-ready]")
    expect(viewer).to_be_visible()
    picture = inside.locator(".nlv-asks .nlv-picture").first
    box = picture.bounding_box()
    page.mouse.move(box["x"] + 0.72 * box["width"], box["y"] + 0.22 * box["height"], steps=3)
    cell = session.query(frame=0, x=0.72, y=0.22).query
    expect(viewer).to_have_attribute("data-cell", ",".join(map(str, cell)))
    assert complaints == []
    context.close()


def test_who_asks_is_chosen_from_a_list(chromium, tmp_path):
    torch.manual_seed(4)
    spec = replace(SQUARES, token_names=("a", "white", "rabbit"))
    session = Session.from_model(Registered().eval(), "sample:bunny", spec=spec, frames=3)
    path = session.save(tmp_path / "page.html", frame=1, x=0.5, y=0.5)
    said = answer_words(session.shown(Pin(frame=1, x=0.5, y=0.5, asker="token 2")))
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    who, reverse = page.get_by_label("Asked by"), page.get_by_role("button", name="Who looks here")
    expect(who).to_have_value("Asked by the position")
    expect(reverse).to_be_enabled()
    who.select_option("Asked by token 2")
    expect(page.locator(".nlv-asks .nlv-lead")).to_have_text("Token 2 of frame 2")
    expect(page.get_by_text(said, exact=True).first).to_be_visible()
    expect(reverse).to_be_disabled()
    expect(page.locator(".nlv-asks .nlv-cell")).to_be_hidden()
    who.select_option("Asked by the position")
    expect(page.locator(".nlv-asks .nlv-cell")).to_be_visible()
    page.get_by_label("Layer").select_option("cross")
    page.get_by_label("Looked at").select_option('Who looks at "rabbit"')
    expect(page.locator(".nlv-asks .nlv-lead")).to_have_text('"rabbit" of frame 2')
    expect(page.locator(".nlv-answers")).to_contain_text("Frame 2 gives")
    said = answer_words(session.shown(Pin(frame=1, x=0.5, y=0.5, asker="rabbit", block="cross.head1")))
    expect(page.get_by_text(said, exact=True).first).to_be_visible()
    expect(reverse).to_be_hidden()
    assert complaints == []
    context.close()


class Denoiser(nn.Module):
    """A transformer of frames that is told a time, which its tokens hold."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 16, 16)
        self.down, self.up = (nn.MultiheadAttention(24, 2, batch_first=True) for _ in range(2))

    def forward(self, x, timestep):
        tokens = self.patches(x).flatten(2).mT + timestep / 1000
        for layer in (self.down, self.up):
            tokens = tokens + layer(tokens, tokens, tokens)[0]
        return tokens


def test_the_timestep_of_a_diffusion_model_is_chosen_from_a_list(chromium, tmp_path):
    torch.manual_seed(4)
    spec = replace(SQUARES, call=lambda model, frames: [model(frames, time) for time in (900, 100)][-1])
    session = Session.from_model(Denoiser().eval(), "sample:bunny", spec=spec, frames=2)
    path = session.save(tmp_path / "page.html", frame=1, x=0.5, y=0.5, block="down.head1")
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    viewer = page.locator(".nlv")
    step, layer = page.get_by_label("Step", exact=True), page.get_by_label("Layer", exact=True)
    expect(viewer).to_have_attribute("data-block", "down.head1")
    expect(step).to_have_value("timestep 900")
    assert layer.locator("option").all_inner_texts() == ["down", "up"]
    step.select_option("timestep 100")
    expect(viewer).to_have_attribute("data-block", "down@2.head1")
    layer.select_option("up")
    expect(viewer).to_have_attribute("data-block", "up@2.head1")
    assert layer.locator("option").all_inner_texts() == ["down", "up"]
    assert complaints == []
    context.close()
