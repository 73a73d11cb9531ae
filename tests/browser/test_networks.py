"""Networks in a real Chromium: a checkpoint of one's own opens, a hostile one is refused, and nothing is fetched."""

import io
import os
import pickle

import pytest
import torch
from patience import settled
from playwright.sync_api import expect
from safetensors.torch import save_file

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.models.resnet import ResNet
from nonlocal_core.weights.published import find_published

pytestmark = pytest.mark.browser

ARCH = "pyslowfast-i3d-r50-nl5-8x8"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file of a network of the paper, its blocks made to change what they see."""
    torch.manual_seed(8)
    network = ResNet(find_published(ARCH).config)
    for block in network.inserted:
        torch.nn.init.normal_(block.module.norm.weight)
    path = tmp_path_factory.mktemp("own") / "mine.safetensors"
    save_file({name: value.clone() for name, value in network.state_dict().items()}, path)
    return path


def upload(page, file):
    page.get_by_role("tab", name="A checkpoint file").click()
    uploader = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    expect(uploader).to_have_count(1)  # that of a dialog before may be leaving
    settled(page)
    uploader.set_input_files(file)
    button = page.get_by_role("button", name="Open the checkpoint")
    expect(button).to_be_enabled()
    return button


def test_size_and_licence_are_shown_and_nothing_is_fetched(page, address):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/networks")
    expect(page.get_by_text("253 MB. Licence: CC-BY-NC-4.0, no commercial use.")).to_be_visible()
    expect(page.get_by_role("button", name="Fetch and open")).to_be_enabled()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_a_checkpoint_of_ones_own_opens_in_the_viewer(page, address, checkpoint):
    page.goto(f"{address}/networks?clip=sample:bunny")
    button = upload(page, checkpoint)
    page.get_by_role("combobox", name="Architecture").fill(ARCH)
    page.keyboard.press("Enter")
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    button.click()
    page.wait_for_selector("[data-ready]")
    expect(page.get_by_text("mine.safetensors").first).to_be_visible()
    bundle = decode_bundle(page.request.get(next(url for url in fetched if "/api/bundle/" in url)).body())
    assert bundle.model.id.startswith(f"{ARCH}@")
    assert [block.capture.name for block in bundle.blocks] == list(find_published(ARCH).config.block_names)
    assert [block.capture.query_grid.shape for block in bundle.blocks[::4]] == [(4, 32, 56), (4, 16, 28)]
    assert bundle.media.frame_indices == tuple(range(0, 64, 8)), "sampled as the network was trained"
    assert page.url.startswith(f"{address}/?clip=sample%3Abunny&model=own%3A{ARCH}")


class _RunsCode:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_a_file_that_tries_to_run_code_is_refused_with_a_sentence(page, address):
    content = io.BytesIO()
    pickle.dump({"blobs": _RunsCode()}, content, protocol=2)
    page.goto(f"{address}/networks")
    upload(
        page, {"name": "<b>bad</b>.pkl", "mimeType": "application/octet-stream", "buffer": content.getvalue()}
    ).click()
    refusal = page.get_by_role("alert").filter(has_text="system")
    expect(refusal).to_be_visible()
    expect(page.get_by_role("tab", name="Published networks")).to_be_visible()


def test_one_of_several_sets_of_weights_is_named_on_the_page(page, address):
    content = io.BytesIO()
    torch.save({name: {"one.weight": torch.ones(3)} for name in ("student", "teacher")}, content)
    page.goto(f"{address}/networks")
    button = upload(page, {"name": "two.pth", "mimeType": "application/octet-stream", "buffer": content.getvalue()})
    button.click()
    expect(page.get_by_role("alert")).to_contain_text(
        "more than one set of weights: 'student', 'teacher'; name one of them"
    )
    page.get_by_role("textbox", name="Set of weights").fill("teacher")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    settled(page)
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("two.pth holds 1 tensor, 3 values. The names of its tensors are")


def test_a_link_fetches_nothing(page, address):
    page.goto(f"{address}/?clip=sample:coins&model=caffe2/i3d_nonlocal_32x2_IN_pretrain_400k")
    expect(page.get_by_role("alert")).to_contain_text("is not on this machine yet. The Networks page shows its size")
