"""Hostile addresses: each opens the nearest valid view with a word, on every page.

    python -m tests.browser.addresses [--count 300] [--seed 1]

starts the app and a browser, opens the addresses one after the other, and writes a table: kind,
how many, how many of them with a word, how many dead. The tests open a few of them.

    python -m tests.browser.addresses --views

opens one link of each page: cold, after F5, after a step back and one forward, and after a restart
of the server; what is drawn and the address must be the same each time.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from tests.browser.commands import opened
from tests.browser.conftest import IS_QUIET, run_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHARED = ("picture", "models", "x", "y", "untrained")
NAMES: Mapping[str, Sequence[str]] = {
    "": ("into",),
    "compare": ("depth", "reads", "only", "second", "zero", "scale", "nth_head"),
    "patch_embedding": ("view", "filter_order", "filter_1", "token_depth"),
    "token_mixing": ("mixer_block", "mixing_view", "unit", "unit_channel", "slopes"),
    "depthwise_kernels": ("kernel_block", "channel", "kernel_view", "kernel_order", "epoch"),
    "dual_attention": ("block", "head", "group", "group_channel", "feeder", "beside", "closer"),
    "what_if": ("what_if", "seed", "follow", "squares", "cut_model", "cut_block", "cut", "part"),
    "inside": ("inside", "layers", "layers_of"),
    "estimates": ("estimated", "class", "stand_in", "method"),
    "disagreement": ("source", "shown"),
    "papers": ("paper", "paper_show", "paper_tab", "mixer_x", "mixer_group"),
    "experiments": ("experiment", "predict", "experiment_tab"),
    "costs": ("cost_view", "cost_shown", "cost_which"),
}
"""Page -> names in its address; a few stand for a view that is not open."""
SHARED_VIEW = {"picture": "cat", "models": "davit_mini,mixer_mini", "x": "469", "y": "453"}
VIEWS: Mapping[str, Mapping[str, str]] = {
    "overview": {"into": "davit_mini,1.2"},
    "lecture": {"step": "davit_idea", "role": "notes"},
    "compare": {"depth": "100", "reads": "raw", "second": "rocket", "zero": "1"},
    "patch_embedding": {"view": "filters", "filter_order": "norm", "filter_2": "3"},
    "token_mixing": {"mixing_view": "unit", "mixer_block": "1.3", "unit": "5", "unit_raw": "1"},
    "depthwise_kernels": {"kernel_view": "depth", "kernel_block": "1.4", "channel": "7"},
    "dual_attention": {"block": "3.1", "head": "2", "group": "2", "group_channel": "5"},
    "what_if": {"what_if": "surgery", "cut_model": "mixer_mini", "cut_block": "1.3"},
    "inside": {"inside": "similarity", "layers": "mixer_mini", "layers_of": "davit_mini"},
    "estimates": {"stand_in": "mean", "method": "occlusion"},
    "disagreement": {"source": "photographs", "shown": "all"},
    "papers": {"paper": "davit", "davit_x": "params_millions", "davit_group": "2"},
    "experiments": {
        "experiment": "data",
        "predict": "1",
        "data_answer": "show",
        "experiment_tab": "curves",
        "data_curves": "3",
    },
    "costs": {"cost_shown": "token", "cost_which": "all"},
    "glossary": {"lang": "ko"},
}
"""Page -> a view with nothing at its default."""
MARKUP = (
    "<script>hacked=1</script>",
    "<img src=x onerror=hacked=1>",
    "![x](https://example.org/x.png)",
    ":red[**a**] $x^2$ `b` # c",
    "[a](javascript:hacked=1)",
    "javascript:hacked=1",
    "{t}{0}{asked.__class__}%s%d",
)
VALUES: Mapping[str, Sequence[str]] = {
    "infinite": ("inf", "-inf", "1e400", "-1e400", "Infinity"),
    "not a number": ("nan", "NaN", "-nan"),
    "5,000 digits": ("9" * 5000, "-" + "9" * 5000, "0." + "1" * 5000),
    "empty": ("", " ", "\t"),
    "out of range": ("-1", "99999999999", "-0.5", "9.9.9.9", "0.0"),
    "markup": MARKUP,
    "strange characters": ("\u202egnp.exe", "\u200b", "٣٤", "\x00", "\U0001f3a8", "a\r\nSet-x: 1"),
    "another word": ("Everywhere", "none of these", "true,false", "../../etc/passwd", "' OR 1=1"),
    "very long": ("a" * 20_000, ",".join(["mixer_mini"] * 2000)),
}
"""Kind -> values that no choice has."""
STRANGE_NAMES = ("foo", "__proto__", "_address", "upload", "state[x]", "%ff", "<b>", "a" * 2000)
KINDS = (*VALUES, "repeated", "unknown name")
WORD = re.compile(r"The link (asks|also names)|There is no (head|channel) ")
ERROR = '.st-key-page_body [data-testid="stAlertContentError"]'
DEAD = '[data-testid="stException"], [role="dialog"]'
SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """An address that nobody should have written.

    Attributes:
        kind: One of ``KINDS``.
        page: As it stands in the address.
        query: Ready to be put behind the question mark.
    """

    kind: str
    page: str
    query: str


def hostile(count: int, seed: int) -> list[Hostile]:
    """Addresses of all kinds over all pages, each kind and page equally often."""
    chance = random.Random(seed)
    pages = list(NAMES)
    found = []
    for number in range(count):
        page = pages[number % len(pages)]
        kind = KINDS[(number + number // len(pages)) % len(KINDS)]
        name = chance.choice((*NAMES[page], *SHARED))
        if kind == "unknown name":
            pair = f"{quote(chance.choice(STRANGE_NAMES), safe='%')}=1"
        elif kind == "repeated":
            other = quote(chance.choice(VALUES["another word"]), safe="")
            pair = f"{name}={other}&{name}=1"
        else:
            pair = f"{name}={quote(chance.choice(VALUES[kind]), safe='')}"
        found.append(Hostile(kind=kind, page=page, query=pair))
    return found


def parsed(query: str) -> dict[str, str | list[str]]:
    """Name -> value, or values where a name is repeated: as Streamlit's AppTest takes them."""
    found = parse_qs(query, keep_blank_values=True)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def faults(page: Page, base: str, address: Hostile) -> list[str]:
    """Open an address; what is wrong with what it shows, nothing where all is well."""
    page.goto(f"{base}/{address.page}?{address.query}")
    try:
        page.wait_for_function(f"({IS_QUIET})()", timeout=SECONDS * 1000)
        page.wait_for_timeout(300)
        page.wait_for_function(f"({IS_QUIET})()", timeout=SECONDS * 1000)
    except Exception as error:
        return [f"did not settle: {type(error).__name__}"]
    found = []
    if page.locator("h1").count() != 1:
        found.append("no title")
    if page.locator(DEAD).count():
        found.append("an exception box")
    if page.locator(ERROR).count():
        found.append("an error")
    if page.evaluate("typeof hacked") != "undefined":
        found.append("a script ran")
    if not WORD.search(page.locator('[data-testid="stMain"]').inner_text()):
        found.append("no word")
    if len(page.url) > 1000:
        found.append("the address stays")
    return found


SEEN = """() => [
    document.querySelector('h1')?.innerText ?? '',
    ...[...document.images].map(i => i.src),
    ...[...document.querySelectorAll('[data-testid="stAlert"]')].map(a => a.innerText),
    ...[...document.querySelectorAll('table, .js-plotly-plot text')].map(n => n.textContent),
]"""


TIME = re.compile(r"[\d.,]+[ \u00a0](ms|s|min)\b")
"""A measured time: another one after each start."""


def settle(page: Page) -> None:
    """Wait until Streamlit has finished its run and stays so."""
    for _ in range(2):
        page.wait_for_function(f"({IS_QUIET})()", timeout=SECONDS * 1000)
        page.wait_for_timeout(700)
    page.wait_for_function(f"({IS_QUIET})()", timeout=SECONDS * 1000)


def what_is_seen(page: Page) -> tuple[dict[str, str | list[str]], list[str]]:
    """The choices in the address, and what is drawn."""
    settle(page)
    drawn: list[str] = page.evaluate(SEEN)
    return parsed(urlsplit(page.url).query), [TIME.sub("", text) for text in drawn]


def views(browser: Browser, folder: Path) -> list[tuple[str, str, bool]]:
    """One link of each page in several ways: (page, way, whether it was the same view)."""
    running = contextlib.contextmanager(run_server)
    cold, done = {}, []
    with running(folder) as server:
        port = urlsplit(server.url).port
        for name, own in VIEWS.items():
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            page = context.new_page()
            link = {**SHARED_VIEW, **own}
            place = "" if name == "overview" else name
            page.goto(f"{server.url}/{place}?{urlencode(link)}")
            cold[name] = what_is_seen(page)
            done.append((name, "cold", cold[name][0] == link))
            page.reload()
            done.append((name, "F5", what_is_seen(page) == cold[name]))
            other = "Token mixing" if name != "token_mixing" else "Patch embedding"
            page.get_by_role("link", name=other).first.click()
            settle(page)
            page.go_back()
            done.append((name, "back", what_is_seen(page) == cold[name]))
            page.go_forward()
            settle(page)
            page.go_back()
            done.append((name, "forward and back", what_is_seen(page) == cold[name]))
            context.close()
    with running(folder, port=port):
        for name, own in VIEWS.items():
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            place = "" if name == "overview" else name
            page.goto(f"{server.url}/{place}?{urlencode({**SHARED_VIEW, **own})}")
            done.append((name, "restart", what_is_seen(page) == cold[name]))
            page.close()
    return done


def table(done: Sequence[tuple[Hostile, list[str]]]) -> str:
    """Kind, count, with a word, dead; then the same by page."""
    lines = []
    for title, group in (("kind", lambda a: a.kind), ("page", lambda a: a.page or "overview")):
        lines.append(f"{title:<20} count  with a word  dead")
        counts = Counter(group(address) for address, _ in done)
        for name, count in sorted(counts.items()):
            own = [wrong for address, wrong in done if group(address) == name]
            said = sum("no word" not in wrong for wrong in own)
            dead = sum(bool(set(wrong) - {"no word", "the address stays"}) for wrong in own)
            lines.append(f"{name:<20} {count:>5}  {said:>11}  {dead:>4}")
        lines.append("")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Open them all; 1 where one of them is not well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="how many addresses (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice among them (default 1)")
    parser.add_argument("--views", action="store_true", help="one link of each page instead")
    chosen = parser.parse_args(arguments)
    with opened() as (browser, folder):
        if chosen.views:
            return show_views(views(browser, folder))
        with contextlib.contextmanager(run_server)(folder) as server:
            return show_hostile(browser, server.url, hostile(chosen.count, chosen.seed))


def show_views(found: Sequence[tuple[str, str, bool]]) -> int:
    """Print one line a page."""
    for name in dict.fromkeys(name for name, _, _ in found):
        ways = [f"{way}: {'same' if same else 'OTHER'}" for own, way, same in found if own == name]
        print(f"{name:<20} {', '.join(ways)}")
    return int(not all(same for _, _, same in found))


def show_hostile(browser: Browser, base: str, asked: Sequence[Hostile]) -> int:
    """Open the addresses and print those that are not well, then the table."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    done = []
    for address in asked:
        wrong = faults(page, base, address)
        done.append((address, wrong))
        if wrong:
            shown = f"/{address.page}?{address.query}"[:160]
            print(f"{address.kind}: {shown}: {', '.join(wrong)}", flush=True)
    print(f"\n{table(done)}{len(done)} addresses, {sum(bool(w) for _, w in done)} not well")
    return int(any(wrong for _, wrong in done))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
