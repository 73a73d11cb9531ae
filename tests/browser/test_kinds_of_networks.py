"""One network of each list of "Your model in the viewer" in a real Chromium: hover, blocks, heads, who asks, walls."""

import numpy as np
import pytest
import torch
from foreign_attention import randomise
from foreign_kinds import (
    IMAGE_HW,
    PATCH,
    WIDTH,
    Attention,
    BiasAttention,
    PooledAttention,
    RotaryAttention,
    Windowed,
)
from playwright.sync_api import expect
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, Pin, Session
from nonlocal_core.look import answer_words

pytestmark = pytest.mark.browser

CLIP = np.random.default_rng(3).integers(0, 256, (2, *IMAGE_HW, 3), np.uint8)
COLOURS = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
AT = {"x": 0.37, "y": 0.44}


class TwoLayers(nn.Module):
    """Patches, perhaps with a class token before them, and two layers of a kind in turn."""

    def __init__(self, make, *, has_class_token=False, is_told_size=False):
        super().__init__()
        self.patches, self.is_told_size = nn.Conv2d(3, WIDTH, PATCH, PATCH), is_told_size
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH)) if has_class_token else None
        self.early, self.late = make(), make()

    def forward(self, frames):
        maps = self.patches(frames)
        x, size = maps.flatten(2).mT, maps.shape[2:] if self.is_told_size else ()
        if self.class_token is not None:
            x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        for layer in (self.early, self.late):
            x = x + layer(x, *size)
        return x


class QueryConvolutions(nn.Module):
    """Two blocks on maps under the names of SAGAN."""

    def __init__(self):
        super().__init__()
        self.stem, self.early, self.late = nn.Conv2d(3, 24, PATCH, PATCH), Sagan(), Sagan()

    def forward(self, frames):
        return self.late(self.early(self.stem(frames)))


class Sagan(nn.Module):
    def __init__(self):
        super().__init__()
        self.query_conv, self.key_conv, self.value_conv = (nn.Conv2d(24, size, 1) for size in (6, 6, 24))
        self.gamma = nn.Parameter(torch.ones(1))

    def forward(self, x):
        q, k, v = (layer(x).flatten(2) for layer in (self.query_conv, self.key_conv, self.value_conv))
        return self.gamma * (v @ (q.mT @ k).softmax(-1).mT).view_as(x) + x


class Decoder(nn.Module):
    """Five queries that look at the tokens of each frame, twice, as in DETR."""

    def __init__(self):
        super().__init__()
        self.patches, self.queries = nn.Conv2d(3, WIDTH, PATCH, PATCH), nn.Parameter(torch.zeros(1, 5, WIDTH))
        self.early, self.late = (nn.MultiheadAttention(WIDTH, 3, batch_first=True) for _ in range(2))

    def forward(self, frames):
        tokens = self.patches(frames).flatten(2).mT
        asked = self.queries.expand(len(tokens), -1, -1)
        for layer in (self.early, self.late):
            asked = asked + layer(asked, tokens, tokens)[0]
        return asked


class Windows(Windowed):
    """Windows of a layer without a shift and of one with."""

    def __init__(self):
        super().__init__((2, 5))


LISTS = {
    "1 rotary, normed": lambda: TwoLayers(lambda: RotaryAttention(0)),
    "2 bias on positions": lambda: TwoLayers(lambda: BiasAttention(0)),
    "3 windows": Windows,
    "4 pooled keys": lambda: TwoLayers(PooledAttention, is_told_size=True),
    "5 query_conv": QueryConvolutions,
    "6 object queries": Decoder,
    "7 class token": lambda: TwoLayers(Attention, has_class_token=True),
}


class Opened:
    """The saved page of a session, in a browser."""

    def __init__(self, page, session, path):
        self.page, self.session, self.complaints = page, session, []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path.as_uri())
        self.viewer = page.locator("[data-ready]")

    def choose(self, layer, head):
        """Choose a block by the menus, or by its button where it has one head, and return its name."""
        heads = self.page.get_by_label("Head", exact=True)
        if not any(block.heads for block in self.session.capture.named):
            self.page.get_by_role("button", name=layer, exact=True).click()
            return layer
        self.page.get_by_label("Layer", exact=True).select_option(layer)
        titles = heads.locator("option").all_inner_texts()
        heads.select_option(titles[head])
        return f"{layer}.mean" if head == -1 else f"{layer}.head{head}"

    def hover(self, block):
        """Point at a place and compare what is drawn with the row of that block."""
        picture = self.page.locator(".nlv-asks .nlv-picture").first.bounding_box()
        self.page.mouse.move(
            picture["x"] + AT["x"] * picture["width"], picture["y"] + AT["y"] * picture["height"], steps=3
        )
        row = self.session.query(frame=1, **AT, block=block)
        expect(self.viewer).to_have_attribute("data-cell", ",".join(map(str, row.query)))
        expect(self.viewer).to_have_attribute("data-block", block)
        self.has_shares(row)
        return row

    def has_shares(self, row):
        """Compare the shares of the frames on screen."""
        shown = [float(text.rstrip(" %").lstrip("<")) for text in self.page.locator(".nlv-share").all_inner_texts()]
        np.testing.assert_allclose(shown, 100 * row.per_step_share, atol=0.51)

    def asked_by(self, asker, block):
        """Choose who asks and compare the sentence."""
        self.page.get_by_label("Asked by").select_option(f"Asked by {asker}")
        said = answer_words(self.session.shown(Pin(frame=1, **AT, asker=asker, block=block)))
        expect(self.page.get_by_text(said, exact=True).first).to_be_visible()


@pytest.mark.parametrize("kind", LISTS)
def test_one_network_of_each_list_is_pointed_at(chromium, tmp_path, kind):
    side = IMAGE_HW[0] * (2 if kind.startswith("4") else 1)  # whose keys are cells of a pooled grid
    spec = ModelSpec(status="untrained", input_spec=InputSpec(short_side=side, multiple_of=PATCH, **COLOURS))
    session = Session.from_model(randomise(LISTS[kind]()).eval(), CLIP, spec=spec, frames=2)
    assert session.unreadable == ()
    layers = list(dict.fromkeys(block.layer for block in session.capture.blocks))
    assert len(layers) == 2
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = Opened(context.new_page(), session, session.save(tmp_path / "page.html", frame=1, **AT))
    for layer, head in zip(layers, (-1, 1), strict=True):
        block = opened.choose(layer, head)
        asking = session.block(block).askers
        if session.block(block).asker is None:
            row = opened.hover(block)
            walls = opened.page.locator(".nlv-answers .nlv-wall-line")
            assert (int((row.heat[1] > 1e-30).sum()) < row.heat[1].size) == kind.startswith("3")
            expect(walls).to_be_visible() if kind.startswith("3") else expect(walls).to_be_hidden()
        if asking:
            opened.asked_by(asking[-1], block)
            opened.has_shares(session.asked_by(asking[-1], frame=1, block=block))
        assert bool(asking) == kind.startswith(("6", "7"))
    assert opened.complaints == []
    context.close()
