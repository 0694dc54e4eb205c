"""Every page on one screen: a table of what a projector, a tablet and a phone show first.

    python -m tests.browser.screens [--pages papers costs] [--screens 1280 390] [--every]
        [--pictures FOLDER] [--print FOLDER]

opens each page with its first view at three sizes and writes one line for each: where the first
map or chart begins, how tall the page is, how much moved after the first paint (CLS), the smallest
text, the words in view. A number beyond its limit is marked with a star. ``--every`` opens every
view and every tab; ``--pictures`` keeps screenshots, on a projector light and dark; ``--print``
keeps each page as an A4 PDF.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.addresses import settle
from tests.browser.commands import opened
from tests.browser.conftest import run_server
from views.frame import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROJECTOR, TABLET, PHONE = (1280, 720), (1024, 768), (390, 844)
FIRST = {PROJECTOR: 200, TABLET: 200, PHONE: 500}
"""Screen -> the highest y of the first map or chart, in CSS pixels."""
MOST_HEIGHT = 1600
"""Of a page on a projector, in CSS pixels."""
MOST_SHIFT = 0.1
"""Cumulative layout shift: web.dev calls more than this not good."""
WITHOUT_MAP = ("glossary",)
"""Pages of words alone."""
LEAST_TEXT = 16.0
"""On a projector, in CSS pixels."""
EVERY: Mapping[str, Sequence[str]] = {
    "overview": ("", "into=mixer_mini", "into=davit_mini,1.2"),
    "token_mixing": tuple(
        f"mixing_view={name}" for name in ("units", "reads", "unit", "blocks", "beside")
    ),
    "depthwise_kernels": tuple(
        f"kernel_view={name}" for name in ("block", "depth", "mixing", "beside")
    ),
    "what_if": ("what_if=shuffle", "what_if=surgery", "what_if=ranking"),
    "inside": ("inside=answers", "inside=distance", "inside=similarity"),
    "papers": tuple(
        f"paper={paper}&paper_show={show}"
        for paper, shows in {
            "mixer": ("figures", "tables", "scale", "specification", "equal"),
            "convmixer": ("figures", "tables", "equal"),
            "davit": ("figures", "tables", "equal"),
        }.items()
        for show in shows
    ),
    "experiments": ("experiment=attention", "experiment=data", "experiment=order"),
    "costs": ("cost_view=curves", "cost_view=identities"),
}
"""Page -> what stands behind the question mark for each of its views, where it has several."""
THEMES = ("light", "dark")
FIRST_TABS = '.st-key-page_body [role="tablist"] >> nth=0'
UNROLLED = """
    :is([data-testid="stApp"], [data-testid="stAppViewContainer"], [data-testid="stMain"]) {
        position: static !important; height: auto !important; overflow: visible !important;
    }
"""
"""Style: all of the page lies in the window, and nothing is as tall as the window."""
WATCH_SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver(list => list.getEntries().forEach(entry => {
        if (!entry.hadRecentInput) window.shifts += entry.value;
    })).observe({type: 'layout-shift', buffered: true});
"""
MEASURE = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const body = document.querySelector('.st-key-page_body');
    const shown = node => node.checkVisibility({opacityProperty: true, visibilityProperty: true});
    const tall = node => node.getBoundingClientRect();
    const roots = [body, ...[...body.querySelectorAll('*')].map(n => n.shadowRoot).filter(Boolean)];
    const drawn = 'img, canvas, svg, .js-plotly-plot';
    const maps = roots.flatMap(root => [...root.querySelectorAll(drawn)])
        .filter(node => shown(node) && tall(node).height > 60);
    const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    const sizes = [];
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        const parent = node.parentElement, box = tall(parent);
        if (!node.data.trim() || !shown(parent) || box.width < 2 || box.height < 2) continue;
        if (parent.closest('.katex, [data-testid="stIconMaterial"], [data-screens="no"]')) continue;
        sizes.push([parseFloat(getComputedStyle(parent).fontSize), node.data.trim().slice(0, 40)]);
    }
    sizes.sort((one, two) => one[0] - two[0]);
    const words = main.innerText.match(/\\p{L}[\\p{L}\\p{N}'-]*/gu) ?? [];
    return {
        first: maps.length ? Math.round(Math.min(...maps.map(node => tall(node).top))) : null,
        height: main.scrollHeight,
        wide: main.scrollWidth - innerWidth,
        shift: window.shifts,
        text: sizes.length ? sizes[0][0] : 0,
        smallest: sizes.length ? sizes[0][1] : '',
        words: words.length,
    };
}"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one page shows on one screen.

    Attributes:
        first: y of the first map or chart in CSS pixels; None without one.
        height: Of the whole page, in CSS pixels.
        wide: How far it can be scrolled sideways, in CSS pixels.
        shift: Cumulative layout shift.
        text: The smallest text, in CSS pixels.
        smallest: What it begins with.
        words: In view at once, all that is not opened yet left out.
    """

    first: int | None
    height: int
    wide: int
    shift: float
    text: float
    smallest: str
    words: int

    def faults(self, screen: tuple[int, int], name: str = "") -> list[str]:
        """The names of the numbers that are beyond their limits on that screen, for that page."""
        low = self.first is None or self.first > FIRST[screen]
        beyond = {
            "first": low and name not in WITHOUT_MAP,
            "wide": self.wide > 0,
            "shift": self.shift >= MOST_SHIFT,
            "height": screen == PROJECTOR and self.height > MOST_HEIGHT,
            "text": screen == PROJECTOR and self.text < LEAST_TEXT,
        }
        return [name for name, wrong in beyond.items() if wrong]


def address(base: str, name: str, query: str = "") -> str:
    """Where a page lies."""
    return f"{base}/{'' if name == PAGES[0] else name}{'?' if query else ''}{query}"


def measure(page: Page, url: str) -> Measured:
    """Open an address in a tab of the screen's size and measure what is there when it rests."""
    page.goto("about:blank")
    page.goto(url)
    settle(page)
    return measured(page)


def measured(page: Page) -> Measured:
    """What is there now."""
    found: dict[str, Any] = page.evaluate(MEASURE)
    return Measured(**found)


def each(page: Page, base: str, name: str, chosen: argparse.Namespace) -> Iterator[str]:
    """Open a page's first view, or one after the other every view and tab; what it is called."""
    for own in EVERY.get(name, ("",)) if chosen.every else ("",):
        view = "_".join([name, *re.findall(r"=([^&]+)", own)])
        measure(page, address(base, name, "&".join(filter(None, (own, chosen.query)))))
        yield view
        tabs = page.locator(FIRST_TABS).get_by_role("tab")
        for number in range(1, tabs.count() if chosen.every else 0):
            tabs.nth(number).click()
            settle(page)
            yield f"{view}_{number + 1}"


def tab(browser: Browser, screen: tuple[int, int], theme: Any = "light") -> Page:
    """A new visitor's tab that counts what moves."""
    context = browser.new_context(
        viewport={"width": screen[0], "height": screen[1]}, color_scheme=theme
    )
    page = context.new_page()
    page.add_init_script(WATCH_SHIFTS)
    return page


def line(name: str, screen: tuple[int, int], found: Measured) -> str:
    """One line of the table."""
    wrong = found.faults(screen, name)
    cells = {
        "first": f"{found.first}",
        "height": f"{found.height}",
        "wide": f"{found.wide}",
        "shift": f"{found.shift:.3f}",
        "text": f"{found.text:.1f}",
    }
    shown = "".join(f"{cell + '*' if key in wrong else cell:>9}" for key, cell in cells.items())
    small = f"  {found.smallest!r}" if "text" in wrong else ""
    return f"{name:<34} {screen[0]:>4} x {screen[1]:<4}{shown}{found.words:>7}{small}"


def keep(page: Page, folder: Path, name: str) -> None:
    """A screenshot of the whole page, as it is when it is scrolled through."""
    folder.mkdir(parents=True, exist_ok=True)
    style = page.add_style_tag(content=UNROLLED)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    style.evaluate("node => node.remove()")


def on_paper(page: Page, folder: Path, name: str) -> None:
    """The page as a person prints it: A4, from the browser's own dialog."""
    folder.mkdir(parents=True, exist_ok=True)
    page.pdf(path=folder / f"{name}.pdf", format="A4", print_background=True)


def main(arguments: Sequence[str]) -> int:
    """Measure the pages; 1 where a number is beyond its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--pages", nargs="+", default=list(PAGES), choices=PAGES, help="all if none"
    )
    sizes = {screen[0]: screen for screen in FIRST}
    parser.add_argument(
        "--screens", nargs="+", type=int, default=list(sizes), choices=sizes, help="by their width"
    )
    parser.add_argument("--every", action="store_true", help="every view and every tab")
    parser.add_argument("--query", default="", help="what stands behind the question mark")
    parser.add_argument("--pictures", type=Path, help="keep screenshots in this folder")
    parser.add_argument("--print", type=Path, dest="printed", help="keep A4 PDFs in this folder")
    chosen = parser.parse_args(arguments)
    with opened() as (browser, folder), contextlib.contextmanager(run_server)(folder) as server:
        wrong = show(browser, server.url, chosen)
    return int(wrong)


def show(browser: Browser, base: str, chosen: argparse.Namespace) -> bool:
    """Print the table; whether anything is beyond its limit."""
    head = "".join(f"{name:>9}" for name in ("first", "height", "wide", "CLS", "text"))
    print(f"{'page':<34} {'screen':<11}{head}  words", flush=True)
    wrong, words = False, 0
    for screen in (screen for screen in FIRST if screen[0] in chosen.screens):
        for name in chosen.pages:
            for theme in THEMES if chosen.pictures and screen == PROJECTOR else THEMES[:1]:
                page = tab(browser, screen, theme)
                for view in each(page, base, name, chosen):
                    if theme == THEMES[0]:
                        found = measured(page)
                        wrong = wrong or bool(found.faults(screen, name))
                        words += found.words if screen == PROJECTOR else 0
                        print(line(view, screen, found), flush=True)
                    if chosen.pictures:
                        keep(page, chosen.pictures, f"{view}_{screen[0]}_{theme}")
                    if chosen.printed and screen == PROJECTOR and theme == THEMES[0]:
                        on_paper(page, chosen.printed, view)
                page.context.close()
    print(f"{words} words in view at once on a projector, over {len(chosen.pages)} pages")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
