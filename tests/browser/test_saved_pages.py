"""Two epochs of a network of somebody's own beside each other in a real Chromium: in one file, and in the app."""

import numpy as np
import pytest
import torch
from patience import PATIENCE_MS
from playwright.sync_api import expect
from torch import nn

from nonlocal_core import InputSpec, ModelSpec, Session, compare
from nonlocal_core.look import percent
from nonlocal_core.measures import measure_block

pytestmark = pytest.mark.browser

SEEN = InputSpec(short_side=64, multiple_of=16, mean=(0.5,) * 3, std=(0.25,) * 3)
CLIP = np.random.default_rng(5).integers(0, 256, (2, 64, 96, 3), np.uint8)
AT = {"frame": 1, "x": 0.6, "y": 0.4}


class Learner(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.attend = nn.Conv2d(3, 24, 8, 8), nn.MultiheadAttention(24, 2, batch_first=True)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        return self.attend(tokens, tokens, tokens)[0]


def epoch(seed):
    torch.manual_seed(seed)
    network = Learner()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=3 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1)
    return Session.from_model(network.eval(), CLIP, spec=ModelSpec(status="untrained", input_spec=SEEN))


def opened(chromium, url):
    page = chromium.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(url)
    return page


def shares(pane):
    texts = pane.locator(".nlv-share").all_inner_texts()
    return [float(text.rstrip(" %").lstrip("<") or 0) for text in texts]


def test_two_epochs_stand_in_one_file_under_one_pointer_with_their_difference(chromium, tmp_path):
    sides = {"Epoch 1": epoch(1), "Epoch 90": epoch(2)}
    both = compare(sides, block="attend.mean")
    page = opened(chromium, both.save(tmp_path / "both.html", **AT).as_uri())
    panes = page.locator(".nlv-pane[data-block]")
    expect(panes).to_have_count(2)
    expect(page.locator(".nlv-pane .nlv-lead").first).to_have_text("1. Epoch 1")
    expect(page.locator(".nlv-asks")).to_have_count(1)
    answers = both.answers(**AT)
    for index, answer in enumerate(answers.values()):
        expect(panes.nth(index)).to_have_attribute("data-cell", ",".join(map(str, answer.query)))
        expect(panes.nth(index)).to_contain_text("Mean over 2 heads")
    expect(page.locator(".nlv-pane[data-peak]")).to_be_visible()
    largest = np.abs(both.difference(**AT)).max()
    assert largest > 40, "beyond the least scale of 30"
    assert float(page.locator(".nlv-pane[data-peak]").get_attribute("data-peak")) == pytest.approx(largest, rel=0.01)
    page.locator(".nlv-field").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".nlv")).to_have_attribute("data-pinned", "false")
    box = page.locator(".nlv-asks .nlv-picture").bounding_box()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.55 * box["height"], steps=3)
    for index in range(2):
        expect(panes.nth(index)).to_have_attribute("data-cell", "1,4,6")
    assert page.complaints == []
    page.context.close()


def test_saved_pages_of_a_network_that_the_app_does_not_have_open_beside_each_other(chromium, address, tmp_path):
    files = [epoch(seed).save(tmp_path / f"epoch {seed}.html", **AT) for seed in (1, 2)]
    other = tmp_path / "![x](http:..other.test)[link](x).html"
    other.write_text("<html>no page of the viewer</html>")
    page = opened(chromium, f"{address}/compare?clip=sample:chelsea&short_side=128&compare=pages")
    page.locator("input[type=file]").set_input_files([*files, other])
    expect(page.get_by_text(f"{other.name}: This is no live page of the viewer")).to_be_visible()
    panes = page.locator(".nlv-pane[data-block]")
    expect(panes).to_have_count(2)
    expect(panes.first).to_have_attribute("data-block", "attend.head1")
    expect(page.locator(".nlv-pane[data-peak]")).to_be_visible()
    picture = page.locator(".nlv-asks .nlv-picture")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.55 * box["height"], steps=3)
    for index in range(2):
        expect(panes.nth(index)).to_have_attribute("data-cell", "1,4,6")
    assert page.complaints == []
    page.context.close()


def test_a_saved_page_alone_opens_in_the_app_with_all_of_its_blocks(chromium, address, tmp_path):
    session = epoch(1)
    page = opened(chromium, f"{address}/compare?clip=sample:chelsea&short_side=128&compare=pages")
    page.locator("input[type=file]").set_input_files([session.save(tmp_path / "epoch 1.html", **AT)])
    expect(page.locator(".nlv")).to_have_attribute("data-block", "attend.head1")
    expect(page.locator(".nlv-badge")).to_contain_text("untrained")
    page.get_by_label("Head", exact=True).select_option("Head 1")
    expect(page.locator(".nlv")).to_have_attribute("data-block", "attend.head0")
    picture = page.locator(".nlv-asks .nlv-picture")
    picture.scroll_into_view_if_needed()
    page.locator(".nlv-field").focus()
    page.keyboard.press("Escape")
    box = picture.bounding_box()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.55 * box["height"], steps=3)
    expect(page.locator(".nlv")).to_have_attribute("data-cell", "1,4,6")
    row = session.query(frame=1, x=0.55, y=0.55, block="attend.head0")
    np.testing.assert_allclose(shares(page.locator(".nlv-film")), 100 * row.per_step_share, atol=0.51)
    page.get_by_role("button", name="Who looks here").click()
    expect(page.locator(".nlv")).to_have_attribute("data-direction", "column")
    page.get_by_text("Figures of a block").click()
    shown = page.locator(".st-key-figures [data-testid=stMetric]")
    frames = session.frames
    measured = measure_block(session.block(), shown_hw=frames.info.shown_hw, pts_seconds=frames.pts_seconds)
    expect(shown.filter(has_text="Each looks elsewhere")).to_contain_text(f"{measured.query_dependence:.2f}")
    expect(shown.filter(has_text="Reach in the picture")).to_contain_text(f"{percent(measured.distance)} of")
    assert page.complaints == []
    page.context.close()
