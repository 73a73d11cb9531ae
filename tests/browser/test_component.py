"""The Streamlit component's script in a real browser, with Streamlit's side of the contract played by the test."""

import base64
import json

import numpy as np
import pytest
from mounted import Mounted
from pages import clip_bytes, mapped_block, target_of
from patience import rest
from playwright.sync_api import expect

from nonlocal_core.bundle import decode_bundle
from nonlocal_core.course import stages

pytestmark = pytest.mark.browser

DATA = clip_bytes(blocks=lambda grid: (mapped_block(grid, name="one"), mapped_block(grid, name="two")))


@pytest.fixture
def mounted(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    yield Mounted(context.new_page(), DATA)
    context.close()


def test_the_bundle_comes_from_its_address_once_however_often_streamlit_calls(mounted):
    data = {"url": "/bundle/a", "id": "a"}
    mounted.call_ready(data)
    for _ in range(3):
        mounted.call(dict(data))  # a rerun or another theme: equal data, another object
    mounted.settle()
    assert mounted.fetches == 1
    assert mounted.page.locator(".nlv").count() == 1
    assert mounted.page.locator(".nlv").get_attribute("data-ready") == decode_bundle(DATA).id
    assert not mounted.complaints


def test_bytes_work_where_there_is_no_address(mounted):
    encoded = base64.b64encode(DATA).decode()
    mounted.page.evaluate("(text) => window.call(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))", encoded)
    mounted.page.wait_for_selector(".nlv[data-ready]")
    assert mounted.fetches == 0


def test_bytes_in_an_arrow_table_work_too(mounted):
    encoded = base64.b64encode(DATA).decode()
    mounted.page.evaluate(
        "(text) => { const cell = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"
        " window.call({ id: 'a', bytes: { getChildAt: () => ({ get: () => cell }) } }); }",
        encoded,
    )
    mounted.page.wait_for_selector(".nlv[data-ready]")


def test_python_hears_of_pins_and_never_of_hovering(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a"})
    for x in (0.2, 0.4, 0.6):
        mounted.point(mounted.asks, x, 0.5)
    assert mounted.sent() == []
    mounted.page.mouse.down()
    mounted.page.mouse.up()
    [[name, pin]] = mounted.sent()
    assert name == "pinned"
    assert (pin["frame"], pin["block"], pin["direction"]) == (0, "two", "row")
    assert (pin["x"], pin["y"]) == (pytest.approx(0.6, abs=0.01), pytest.approx(0.5, abs=0.01))
    mounted.page.keyboard.press("b")
    assert mounted.sent()[-1][1]["block"] == "one"
    mounted.page.keyboard.press("Escape")
    assert mounted.sent()[-1] == ["pinned", None]
    assert len(mounted.sent()) == 3


def test_a_draw_under_a_resting_pointer_keeps_its_label(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a", "query": {"frame": 0, "x": 0.1, "y": 0.5}})
    mounted.point(mounted.answers, 0.4, 0.4)
    label = mounted.page.locator(".nlv-tip")
    before = label.inner_text()
    mounted.page.set_viewport_size({"width": 1180, "height": 800})  # which draws again, and no event comes with it
    rest(mounted.page, 300)
    expect(label).to_be_visible()
    expect(label).to_have_text(before)
    assert not mounted.complaints


def test_a_key_held_down_is_one_message(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a", "query": {"frame": 0, "x": 0.1, "y": 0.5}})
    mounted.page.locator(".nlv-field").focus()
    for _ in range(6):
        mounted.page.keyboard.press("ArrowRight")
    messages = mounted.sent()
    assert 1 <= len(messages) <= 2
    assert messages[-1][1]["x"] == pytest.approx(7.5 / 16)


def test_a_question_that_python_sets_is_adopted_and_not_told_back(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a"})
    mounted.call({"url": "/bundle/a", "id": "a", "query": {"frame": 2, "x": 0.3, "y": 0.2, "block": "one"}})
    mounted.settle()
    assert (mounted.facts["cell"], mounted.facts["pinned"], mounted.facts["block"]) == ("2,1,4", "true", "one")
    mounted.call({"url": "/bundle/a", "id": "a", "query": None})
    mounted.settle()
    assert mounted.facts["pinned"] == "false"
    assert mounted.sent() == []


def test_a_late_echo_does_not_pull_the_pin_back(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a"})
    pins = []
    for x in (0.2, 0.7):
        mounted.point(mounted.asks, x, 0.5)
        mounted.page.mouse.down()
        mounted.page.mouse.up()
        pins.append(mounted.sent()[-1][1])
    for pin in pins:  # Python answers the first pin only now, then the second
        mounted.call({"url": "/bundle/a", "id": "a", "query": dict(reversed(pin.items()))})
        mounted.settle()
        assert mounted.facts["cell"] == "0,4,11"


STOP = {"frame": 2, "x": 0.3, "y": 0.2, "caption": "mine", "block": "one", "direction": "row"}


def test_python_hears_of_every_edit_of_the_tour_and_the_tab_remembers_it(mounted):
    data = {"url": "/bundle/a", "id": "a", "tour": {"clip": "the clip", "stops": [STOP]}}
    mounted.call_ready(data)
    mounted.page.get_by_role("button", name="Tour", exact=True).click()
    mounted.settle()
    assert mounted.page.locator(".nlv-guide p").inner_text() == "1 of 1. mine"
    assert (mounted.facts["cell"], mounted.facts["block"]) == ("2,1,4", "one")
    assert [name for name, _ in mounted.sent()] == ["pinned"], "walking a tour does not change it"
    mounted.page.get_by_role("button", name="Edit").click()
    mounted.page.locator(".nlv-tour input").fill("changed")
    mounted.page.keyboard.press("Enter")
    changed = [STOP | {"caption": "changed"}]
    assert mounted.sent()[-1] == ["tour", changed]
    told = len(mounted.sent())
    mounted.call(data)  # Python has not heard of it yet
    mounted.settle()
    assert mounted.page.locator(".nlv-tour input").input_value() == "changed"
    mounted.page.evaluate("window.cleanup()")
    mounted.call_ready(data)  # and never does, since the person was on another page meanwhile
    assert mounted.sent()[told:] == [["tour", changed]]
    mounted.page.evaluate("window.cleanup()")
    mounted.call_ready(data | {"tour": {"clip": "another clip", "stops": None}})
    assert len(mounted.sent()) == told + 1
    assert not mounted.complaints


def test_a_stop_that_asks_who_looks_here_turns_when_that_is_there(mounted):
    bundle, columns = clip_bytes(apart=True, tour=False)
    mounted.served = {"/bundle/a": bundle, "/bundle/columns": columns}
    held = []
    mounted.page.route("**/bundle/columns", lambda route: held.append(route))
    stops = [STOP | {"block": None, "direction": "column"}]
    mounted.call_ready(
        {"url": "/bundle/a", "columns": "/bundle/columns", "id": "a", "tour": {"clip": "", "stops": stops}}
    )
    mounted.page.get_by_role("button", name="Tour", exact=True).click()
    mounted.settle()
    assert (mounted.facts["cell"], mounted.facts["direction"]) == ("2,1,4", "row")
    held[0].fallback()
    mounted.page.wait_for_selector(".nlv[data-direction='column']")
    assert mounted.page.locator(".nlv-guide p").inner_text() == "1 of 1. mine"


def test_another_clip_replaces_the_first(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a", "query": {"frame": 2, "x": 0.3, "y": 0.2}})
    mounted.served = clip_bytes(frames=5)
    mounted.call({"url": "/bundle/b", "id": "b"})
    mounted.page.wait_for_selector(f".nlv[data-ready='{decode_bundle(mounted.served).id}']")
    mounted.settle()
    assert (mounted.facts["cell"], mounted.facts["pinned"]) == ("0,4,8", "false")
    assert mounted.page.locator(".nlv-film .nlv-frame").count() == 5
    assert mounted.sent() == []


def test_a_failure_is_a_sentence_with_a_way_on(mounted):
    mounted.status = 404
    mounted.call({"url": "/bundle/a", "id": "a"})
    status = mounted.page.locator(".nlv-status")
    status.get_by_text("answered 404").wait_for()
    mounted.page.route("**/bundle/a", lambda route: route.abort(), times=1)
    status.get_by_role("button", name="Try again").click()
    status.get_by_text("The server cannot be reached").wait_for()
    mounted.page.route("**/bundle/a", lambda route: route.fulfill(body="x", content_type="text/html"), times=1)
    status.get_by_role("button", name="Try again").click()
    status.get_by_text("a proxy does not pass this address on").wait_for()
    mounted.status, mounted.served = 200, b"<html>"
    status.get_by_role("button", name="Try again").click()
    status.get_by_text("not a bundle").wait_for()
    mounted.served = DATA
    status.get_by_role("button", name="Try again").click()
    mounted.page.wait_for_selector(".nlv[data-ready]")
    assert not status.is_visible()


def test_the_other_direction_follows_the_first_picture_and_turns_when_it_is_there(mounted):
    bundle, columns = clip_bytes(apart=True)
    mounted.served = {"/bundle/a": bundle, "/bundle/columns": columns}
    mounted.page.route("**/bundle/columns", lambda route: held.append(route))
    held, data = [], {"url": "/bundle/a", "columns": "/bundle/columns", "id": "a"}
    mounted.call_ready(data)
    mounted.page.locator(".nlv-field").focus()
    mounted.page.keyboard.press("d")  # too early
    mounted.settle()
    assert mounted.facts["direction"] == "row"
    held[0].fallback()
    mounted.page.wait_for_selector(".nlv[data-direction='column']")
    # The queries that look at the middle of the first frame stand in the frame before it, turned by half a picture.
    asked = mounted.facts["cell"]
    mounted.page.get_by_text("Numbers").click()
    expect(mounted.page.locator(".nlv-numbers tbody tr").first.locator("td").first).not_to_be_empty()
    strongest = mounted.page.locator(".nlv-numbers tbody tr").first.locator("td").all_inner_texts()
    grid = decode_bundle(bundle).blocks[0].capture.query_grid
    looking = next(c for i in range(grid.size) if "{},{},{}".format(*target_of(grid, c := grid.cell(i))) == asked)
    assert strongest[:3] == [str(looking.t + 1), str(looking.y + 1), str(looking.x + 1)]
    assert len(held) == 1
    assert not mounted.complaints


def test_where_the_other_direction_cannot_be_had_the_rest_lives_on(mounted):
    bundle, columns = clip_bytes(apart=True)
    mounted.served = {"/bundle/a": bundle, "/bundle/columns": b"<html>"}
    mounted.call_ready({"url": "/bundle/a", "columns": "/bundle/columns", "id": "a"})
    status = mounted.page.locator(".nlv-status")
    status.get_by_text("cannot be asked yet. This is not a bundle").wait_for()
    mounted.point(mounted.asks, 0.2, 0.5)
    mounted.page.mouse.down()
    mounted.page.mouse.up()
    mounted.page.keyboard.press("d")
    mounted.settle()
    assert (mounted.facts["pinned"], mounted.facts["direction"]) == ("true", "row")
    mounted.served["/bundle/columns"] = columns
    status.get_by_role("button", name="Try again").click()
    mounted.page.wait_for_selector(".nlv[data-direction='column']")
    assert mounted.facts["pinned"] == "true"
    assert not status.is_visible()


def test_a_link_to_the_other_direction_waits_for_it(mounted):
    bundle, columns = clip_bytes(apart=True)
    mounted.served = {"/bundle/a": bundle, "/bundle/columns": columns}
    query = {"frame": 1, "x": 0.3, "y": 0.2, "direction": "column"}
    mounted.call_ready({"url": "/bundle/a", "columns": "/bundle/columns", "id": "a", "query": query})
    assert (mounted.facts["direction"], mounted.facts["pinned"]) == ("column", "true")


def test_the_theme_of_the_page_is_taken_over(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a"})
    read = "(root) => [getComputedStyle(root).color, root.style.colorScheme]"
    assert mounted.page.locator(".nlv").evaluate(read) == ["rgb(17, 17, 17)", "light"]
    mounted.page.evaluate("document.body.style.setProperty('--st-text-color', '#eee')")
    mounted.call({"url": "/bundle/a", "id": "a"})
    assert mounted.page.locator(".nlv").evaluate(read) == ["rgb(238, 238, 238)", "dark"]


def test_leaving_cleans_up_and_coming_back_works(mounted):
    mounted.call_ready({"url": "/bundle/a", "id": "a"})
    mounted.page.evaluate("window.cleanup()")
    assert mounted.page.locator(".nlv, .nlv-status").count() == 0
    mounted.call_ready({"url": "/bundle/a", "id": "a", "query": json.loads('{"frame": 1, "x": 0.5, "y": 0.5}')})
    assert mounted.facts["cell"] == "1,4,8"


def test_heads_of_many_layers_are_chosen_by_two_menus_and_two_keys(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    layers, heads = 5, 3
    served = clip_bytes(
        frames=2,
        cells=(3, 5),
        blocks=lambda grid: tuple(
            mapped_block(
                grid,
                name=f"layer{layer}.head{head}",
                title=f"Layer {layer} · head {head + 1}",
                head=head,
                head_count=heads,
                scale=1e-9,  # every key gets the same, so that the shares are known
                phi=np.vstack([mapped_block(grid).phi, np.zeros((2, 48), np.float32)]),
                off_grid_keys=("class token", "register"),
            )
            for layer in range(layers)
            for head in range(heads)
        ),
    )
    mounted = Mounted(context.new_page(), served)
    mounted.call_ready({"url": "/bundle/a", "id": "a", "block": "layer0.head0"})
    page = mounted.page
    expect(page.locator(".nlv-facts")).to_contain_text("it looks at class token 3.1 %, register 3.1 %")  # 1 of 32 keys
    assert page.get_by_label("Layer", exact=True).locator("option").all_inner_texts() == [
        f"Layer {n}" for n in range(layers)
    ]
    assert page.get_by_label("Head", exact=True).locator("option").all_inner_texts() == [
        *("Head 1", "Head 2", "Head 3", "Mean of 3 heads")
    ]
    page.get_by_label("Layer", exact=True).select_option("Layer 3")
    page.get_by_label("Head", exact=True).select_option("Head 2")
    mounted.settle()
    assert mounted.facts["block"] == "layer3.head1"
    page.locator(".nlv-field").focus()
    for key, block in (
        ("h", "layer3.head2"),
        ("b", "layer4.head2"),
        ("b", "layer0.head2"),
        ("h", "layer0.mean"),
        ("b", "layer1.mean"),
        ("h", "layer1.head0"),
    ):
        page.keyboard.press(key)
        mounted.settle()
        assert mounted.facts["block"] == block
    assert not mounted.complaints
    context.close()


def test_a_pin_goes_before_the_step_that_is_asked_for_and_none_follows_while_it_opens(mounted):
    """A pin that Python heard of after the step began a run of its own, which took the viewer off the page."""

    def lesson(step, query=None):
        words = stages.shown(step, frame_count=3) | {"steps": stages.contents(stages.step_ids())}
        data = {"url": "/bundle/a", "id": "a", "query": query, "block": None, "lesson": words}
        return data | {"tour": {"clip": "lesson", "stops": []}}

    first, second = stages.step_ids()[:2]
    mounted.call_ready(lesson(first))
    mounted.page.locator(".nlv-field").focus()
    mounted.page.keyboard.press("Enter")
    mounted.sent()
    mounted.page.keyboard.press("ArrowRight")  # its message would wait for the next key, and go after the step
    mounted.page.keyboard.press("PageDown")
    mounted.page.keyboard.press("ArrowRight")
    told = mounted.sent()
    assert [name for name, _ in told] == ["pinned", "pinned", "step"]
    assert told[-1][1]["id"] == second
    assert told[1][1]["x"] > told[0][1]["x"]
    mounted.call(lesson(second, told[1][1]))
    expect(mounted.page.locator(".nlv-lesson[aria-busy]")).to_have_attribute("aria-busy", "false")
    mounted.page.locator(".nlv-field").focus()
    mounted.page.keyboard.press("ArrowRight")
    assert [name for name, _ in mounted.sent()] == ["pinned", "pinned", "step", "pinned"]
    assert not mounted.complaints
