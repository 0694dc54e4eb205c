"""The overview in a browser: from all models to one block and to its page, and back."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import start
from tests.unit import tiny
from vislib.analysis.fields import reading_field
from vislib.models import loading
from vislib.observe.capture import run_with_cache
from vislib.pictures import gallery

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Server

Settle = Callable[..., None]
INTO = "node => node.overview.into()"
SVG = "{http://www.w3.org/2000/svg}"
CUT = """node => {
  const svg = node.querySelector('.scene svg').getBoundingClientRect();
  const texts = [...node.querySelectorAll('.scene text')];
  const boxes = texts.map((text) => text.getBoundingClientRect());
  const out = boxes.filter(
    (b) => b.left < svg.left - 1 || b.right > svg.right + 1 || b.bottom > svg.bottom + 1,
  );
  const over = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 2 && high > 6) over.push([texts[i].textContent, texts[i + 1 + j].textContent]);
  }));
  const sizes = texts.map((text) => parseFloat(getComputedStyle(text).fontSize));
  return { out: out.length, over, least: Math.min(...sizes) };
}"""
SEEN = """node => {
  const { small } = node.overview;
  const image = new Image();
  image.src = small.image.getAttribute('href');
  return image.decode().then(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width, image.height];
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    const { width, height } = image;
    return { size: [height, width], colours: [...pen.getImageData(0, 0, width, height).data] };
  });
}"""


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def opened(page: Page, url: str, settle: Settle, into: str = "") -> Any:
    page.goto(f"{url}/{f'?into={into}' if into else ''}")
    page.locator(".overview .scene svg").first.wait_for(timeout=180_000)
    settle(page)
    return page.locator(".overview")


def press(page: Page, label: str, settle: Settle) -> None:
    page.locator(f".overview .press[aria-label^='{label}']").first.click()
    page.wait_for_timeout(700)
    settle(page)


def test_the_page_of_ten_lines_shows_a_model_from_disk(page: Page) -> None:
    path = start.ROOT / "assets" / "components" / "overview.html"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 15
    page.goto(path.as_uri())
    overview = page.locator(".overview")
    assert "× 3" in overview.inner_text()
    page.locator(".overview .press").first.click()
    page.wait_for_timeout(600)
    page.locator(".overview .press[aria-label^='Block 1.2']").click()
    page.wait_for_timeout(600)
    assert overview.evaluate(INTO) == "own,1.2"
    assert overview.evaluate("node => node.querySelectorAll('.scene').length") == 1
    page.keyboard.press("Escape")
    page.wait_for_timeout(600)
    assert overview.evaluate(INTO) == "own"


@pytest.mark.parametrize("viewport", [(1280, 720)], indirect=True)
def test_three_clicks_lead_to_the_operators_page_and_back_leads_back(
    server: Server, page: Page, settle: Settle
) -> None:
    overview = opened(page, server.url, settle)
    top = page.locator(".st-key-overview_place").bounding_box()
    assert top is not None
    assert top["y"] < 200
    press(page, "DaViT mini", settle)
    assert query(page) == {"into": "davit_mini"}
    press(page, "Block 1.2", settle)
    assert query(page) == {"into": "davit_mini,1.2"}
    page.locator(".overview .open").first.click()
    page.wait_for_timeout(700)
    settle(page, 180)
    assert urlsplit(page.url).path == "/dual_attention"
    assert query(page) == {"block": "1.2"}
    for into in ("davit_mini,1.2", "davit_mini", ""):
        page.go_back()
        page.wait_for_timeout(700)
        settle(page)
        assert overview.evaluate(INTO) == into
        assert query(page) == ({"into": into} if into else {})
    page.go_forward()
    page.wait_for_timeout(700)
    settle(page)
    assert overview.evaluate(INTO) == "davit_mini"


def test_the_keyboard_goes_down_and_escape_up(server: Server, page: Page, settle: Settle) -> None:
    overview = opened(page, server.url, settle)
    page.locator(".overview .press").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_timeout(700)
    settle(page)
    assert overview.evaluate(INTO) == "convmixer_mini"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_timeout(700)
    settle(page)
    assert overview.evaluate(INTO) == "convmixer_mini,1.3"
    page.locator(".overview .map").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    settle(page)
    assert int(query(page)["x"]) < 500
    for into in ("convmixer_mini", ""):
        page.keyboard.press("Escape")
        page.wait_for_timeout(700)
        settle(page)
        assert overview.evaluate(INTO) == into


def test_the_small_map_is_the_blocks_field_and_follows_the_pointer(
    server: Server, page: Page, settle: Settle
) -> None:
    overview = opened(page, server.url, settle, "davit_mini,1.2")
    model = loading.load("davit_mini")
    site = model.sites[1]
    cache = run_with_cache(model, loading.prepare(model, gallery.load("coffee")), site.group)
    field = reading_field(site, {**model.weights(site.group), **cache})
    area = page.locator(".overview .map > svg").bounding_box()
    assert area is not None
    for row, column in ((2, 3), (13, 8)):
        x, y = ((place + 0.5) / 16 for place in (column, row))
        page.mouse.move(area["x"] + x * area["width"], area["y"] + y * area["height"])
        page.wait_for_timeout(100)
        seen = overview.evaluate(SEEN)
        assert seen["size"] == [16, 16]
        red = np.array(seen["colours"]).reshape(16, 16, 4)[:, :, 0]
        share = field.at(row, column)
        outside = share == 0
        assert len(set(red[outside].tolist())) == 1  # nothing is read there: one colour
        assert red.ravel()[int(share.argmax())] == 253  # the largest share: the scale's end
    page.mouse.click(area["x"] + x * area["width"], area["y"] + y * area["height"])
    page.wait_for_timeout(500)
    settle(page)
    assert query(page).keys() == {"into", "x", "y"}


@pytest.mark.parametrize("viewport", [(1280, 720), (1024, 768), (390, 844)], indirect=True, ids=str)
def test_nothing_is_cut_and_nothing_lies_over_anything(
    server: Server, page: Page, settle: Settle
) -> None:
    schemes: list[Any] = ["light", "dark"]
    for into in ("", "davit_mini", "davit_mini,2.1"):
        page.emulate_media(color_scheme=schemes[0])
        overview = opened(page, server.url, settle, into)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            settle(page)
            seen = overview.evaluate(CUT)
            assert (seen["out"], seen["over"]) == (0, []), (into, scheme)
            assert seen["least"] >= 16
            wide = "document.querySelector('[data-testid=\"stMain\"]').scrollWidth - innerWidth"
            assert page.evaluate(wide) <= 0
        schemes.reverse()


@pytest.mark.walk(6)
@pytest.mark.parametrize("viewport", [(1280, 720)], indirect=True)
@pytest.mark.parametrize("key", tiny.FULL_SIZE)
def test_published_sizes_fit(server: Server, page: Page, settle: Settle, key: str) -> None:
    overview = opened(page, server.url, settle, key)
    assert overview.evaluate(INTO) == key
    seen = overview.evaluate(CUT)
    assert (seen["out"], seen["over"]) == (0, [])
    assert "Not on this machine" in overview.inner_text()


@pytest.mark.parametrize("viewport", [(390, 844)], indirect=True)
def test_on_a_phone_no_name_of_a_step_is_cut(server: Server, page: Page, settle: Settle) -> None:
    overview = opened(page, server.url, settle, "davit_mini,1.2")
    names = " ".join(overview.locator("text.strong").all_text_contents()).replace("\u00a0", " ")
    assert "window attention, 4 × 4" in names
    assert "…" not in names
    seen = overview.evaluate(CUT)
    assert (seen["out"], seen["over"]) == (0, [])


@pytest.mark.parametrize("viewport", [(390, 844)], indirect=True)
def test_on_a_phone_models_stand_below_one_another(
    server: Server, page: Page, settle: Settle
) -> None:
    opened(page, server.url, settle)
    boxes = [page.locator(".overview .press").nth(i).bounding_box() for i in range(3)]
    assert all(boxes)
    lefts, tops = zip(*((box["x"], box["y"]) for box in boxes if box), strict=True)
    assert len(set(lefts)) == 1
    assert tops == tuple(sorted(tops))
    press(page, "Mixer mini", settle)
    assert query(page) == {"into": "mixer_mini"}


def test_reduced_motion_moves_nothing(server: Server, page: Page, settle: Settle) -> None:
    page.emulate_media(reduced_motion="reduce")
    overview = opened(page, server.url, settle)
    page.locator(".overview .press").first.click()
    moving = overview.evaluate("node => node.getAnimations({ subtree: true }).length")
    assert moving == 0
    assert overview.evaluate("node => node.querySelectorAll('.scene').length") == 1


def test_the_saved_file_is_svg_with_its_text_and_picture(
    server: Server, page: Page, settle: Settle
) -> None:
    opened(page, server.url, settle)
    with page.expect_download() as coming:
        page.get_by_role("button", name="Save as SVG").click()
    assert coming.value.suggested_filename == "overview.svg"
    root = ET.parse(coming.value.path()).getroot()
    words = [node.text for node in root.iter(f"{SVG}text")]
    assert "DaViT mini" in words
    assert "× 14" in words
    sizes = {node.get("font-size") for node in root.iter(f"{SVG}text")}
    assert None not in sizes
    pictures = [node.get("href") or "" for node in root.iter(f"{SVG}image")]
    assert len(pictures) == 3
    assert all(href.startswith("data:image/jpeg;base64,") for href in pictures)
    assert "var(" not in ET.tostring(root, encoding="unicode")


def test_the_diagram_is_a_nested_list_for_those_who_hear_it(
    server: Server, page: Page, settle: Settle
) -> None:
    overview = opened(page, server.url, settle)
    tree = json.loads(
        overview.evaluate(
            """node => {
              const read = (list) => [...list.children].map((item) => [
                item.firstChild.textContent, ...[...item.children].flatMap(read)]);
              return JSON.stringify(read(node.querySelector('.tree > ul')));
            }"""
        )
    )
    assert [model[0] for model in tree] == ["Mixer mini", "ConvMixer mini", "DaViT mini"]
    stage = tree[2][2]
    stage[0] = stage[0].replace("\xa0", " ")
    assert re.fullmatch(r"Stage 1: 16 × 16 tokens · 64 channels", stage[0])
    block = stage[1]
    assert block[0] == "Block 1.1, × 3"
    assert [step[0] for step in block[1:]][:4] == [
        "depthwise convolution",
        "window attention",
        "depthwise convolution",
        "channel mixing (one position)",
    ]
