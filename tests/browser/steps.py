"""Every step of a lecture in each language and on each screen: errors, cut texts, what is in view.

    python -m tests.browser.steps [--steps question vit] [--languages ko] [--screens 1280]
        [--theme dark] [--pictures FOLDER]

prints a line for each that is not well: an error on the page, a text that is cut off, the first map
or table below the first screen, a page that scrolls sideways. ``--pictures`` keeps a screenshot of
each. ``tests/browser/test_lecture.py`` walks a sample.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.addresses import settle
from tests.browser.commands import opened
from tests.browser.conftest import run_server
from tests.browser.screens import PHONE, PROJECTOR, TABLET, tab
from vislib.lecture import reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HALL = (1920, 1080)
SCREENS = (PROJECTOR, TABLET, HALL, PHONE)
PATH = reading.read(reading.FOLDER / "seminar")
LOOK = """() => {
    const slots = [...document.querySelectorAll('[class*="st-key-lecture_slot_"]')];
    const body = slots.find(slot => getComputedStyle(slot).visibility === 'visible');
    if (!body) return ['nothing is drawn'];
    const wrong = [], below = node => node.getBoundingClientRect().bottom;
    const roots = [body], shown = node => node.checkVisibility(
        {opacityProperty: true, visibilityProperty: true});
    for (let i = 0; i < roots.length; i++)
        for (const { shadowRoot } of roots[i].querySelectorAll('*'))
            if (shadowRoot) roots.push(shadowRoot);
    const nodes = roots.flatMap(root => [...root.querySelectorAll('*')]);
    for (const node of nodes) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        if (!own || !shown(node) || node.closest('.katex, svg, [role=status]')) continue;
        const style = getComputedStyle(node);
        const hidden = /hidden|clip/.test(style.overflowX + style.overflowY);
        const wide = node.scrollWidth - node.clientWidth;
        const tall = node.scrollHeight - node.clientHeight;
        if (hidden && (wide > 1 || tall > 2) && node.clientWidth > 1)
            wrong.push('cut: ' + node.innerText.trim().slice(0, 50));
        for (let over = node.parentElement, i = 0; over && i < 3; over = over.parentElement, i++)
            if (/hidden|clip/.test(getComputedStyle(over).overflowY) && over.clientHeight > 1
                    && below(node) > below(over) + 2)
                wrong.push('cut below: ' + node.innerText.trim().slice(0, 50));
    }
    for (const formula of body.querySelectorAll('.katex-html .base'))
        if (formula.getBoundingClientRect().right > innerWidth) wrong.push('cut: formula');
    const foot = document.querySelector('.st-key-lecture_foot');
    const fixed = getComputedStyle(foot).position === 'fixed';
    const edge = fixed ? foot.getBoundingClientRect().top : Infinity;
    for (const node of nodes) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        const seen = own || node.matches('img, canvas, rect');
        if (!seen || !shown(node) || node.closest('[role=status], .tree')) continue;
        if (below(node) > edge + 1)
            wrong.push(`behind the foot: ${node.textContent.trim().slice(0, 30) || node.tagName}`);
    }
    const drawn = nodes.filter(node => node.matches('img, canvas, svg, table, .bar') && shown(node)
        && node.getBoundingClientRect().height > 15);
    const first = Math.min(...drawn.map(node => node.getBoundingClientRect().top));
    if (drawn.length && first > innerHeight * 0.75)
        wrong.push(`first view at ${Math.round(first)} px`);
    if (document.querySelector('[data-testid="stMain"]').scrollWidth > innerWidth)
        wrong.push('scrolls sideways');
    document.querySelectorAll('[data-testid="stAlert"], [data-testid="stException"]').forEach(
        alert => wrong.push('error: ' + alert.innerText.slice(0, 100)));
    return [...new Set(wrong)];
}"""


def look(page: Page, base: str, step: str, language: str) -> list[str]:
    """What is wrong with a step in a tab of the screen's size."""
    page.goto("about:blank")
    page.goto(f"{base}/lecture?step={step}&lang={language}")
    settle(page)
    found: list[str] = page.evaluate(LOOK)
    return found


def main(arguments: Sequence[str]) -> int:
    """Walk; 1 where a step is not well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", nargs="+", default=[step.key for step in PATH.steps])
    parser.add_argument("--languages", nargs="+", default=list(PATH.languages))
    widths = [screen[0] for screen in SCREENS]
    parser.add_argument("--screens", nargs="+", type=int, default=widths, choices=widths)
    parser.add_argument("--theme", default="light", choices=("light", "dark"))
    parser.add_argument("--pictures", type=Path, help="keep screenshots in this folder")
    chosen = parser.parse_args(arguments)
    with opened() as (browser, folder), contextlib.contextmanager(run_server)(folder) as server:
        return walk(browser, server.url, chosen)


def walk(browser: Browser, base: str, chosen: argparse.Namespace) -> int:
    """Print what is not well, then how many were looked at."""
    count, bad = 0, 0
    for screen in (one for one in SCREENS if one[0] in chosen.screens):
        page = tab(browser, screen, chosen.theme)
        for step in chosen.steps:
            for language in chosen.languages:
                wrong = look(page, base, step, language)
                count, bad = count + 1, bad + bool(wrong)
                if wrong:
                    print(f"{screen[0]} {language} {step}: {'; '.join(wrong)}", flush=True)
                if chosen.pictures:
                    chosen.pictures.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=chosen.pictures / f"{screen[0]}_{language}_{step}.png")
        page.context.close()
    print(f"{count} steps looked at, {bad} not well")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
