"""A lecture's questions on paper: an exercise sheet, and its key with the measured answers.

A page is one HTML file that needs nothing else: open it in a browser and print it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from vislib import registry
from vislib.lecture.measuring import Answer
from vislib.lecture.steps import LecturePath, Question, Step
from vislib.texts import Message

HIDDEN = "picture,language,pages"
"""What the links of a sheet hide."""
BOXES = ("\N{BALLOT BOX}", "\N{BALLOT BOX WITH CHECK}")
"""Before a model on paper: open, ticked."""
PAGE = "lecture"
"""The page that the links open."""
_ASSETS = Path(__file__).resolve().parents[2] / "assets" / "lecture"
_FONT = Path(__file__).resolve().parents[2] / "static" / "mixscope-sans-regular.woff2"


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What all questions of a sheet share.

    Attributes:
        language: Code.
        server: Address of the app that the links open, without a slash at its end.
        picture: Key of the gallery picture that the questions are about.
        jpeg: That picture.
        answers: Step -> its measured answer, or why there is none; empty for a sheet without.
    """

    language: str
    server: str
    picture: str
    jpeg: bytes
    answers: Mapping[str, Answer | Message]

    def said(self, key: str, **values: object) -> str:
        """A text of the table, safe in HTML."""
        return html.escape(Message(key, **values).text(self.language))


def link(path: LecturePath, step: Step, paper: Paper) -> str:
    """The address that opens a step as the sheet means it."""
    asked = {"lecture": path.key, "step": step.key, "picture": paper.picture}
    asked |= {"lang": paper.language, "hide": HIDDEN}
    return f"{paper.server}/{PAGE}?{urlencode(asked, safe=',')}"


def page(path: LecturePath, paper: Paper) -> str:
    """The sheet, or with answers the key: a whole HTML document."""
    asking = [step for step in path.steps if step.ask]
    title = html.escape(_in(path.title, paper.language))
    kind = paper.said("sheet.key" if paper.answers else "sheet.title")
    font = base64.b64encode(_FONT.read_bytes()).decode()
    style = (_ASSETS / "sheet.css").read_text(encoding="utf-8")
    name = "" if paper.answers else f'<p class="name">{paper.said("sheet.name")}</p>'
    image = base64.b64encode(paper.jpeg).decode()
    picture = (
        f'<figure class="class"><img alt="" src="data:image/jpeg;base64,{image}">'
        f"<figcaption>{paper.said('sheet.picture')}</figcaption></figure>"
    )
    items = "".join(_item(path, step, paper, image) for step in asking)
    return (
        f'<!doctype html><html lang="{html.escape(paper.language)}"><head><meta charset="utf-8">'
        f"<title>{kind}: {title}</title><style>@font-face{{font-family:Sheet;"
        f"src:url(data:font/woff2;base64,{font})}}{style}</style></head><body><header>"
        f"<h1>{title}</h1><p>{kind}</p>{name}</header>{picture}<ol>{items}</ol></body></html>"
    )


def _in(told: Mapping[str, str], language: str) -> str:
    return told.get(language) or next(iter(told.values()), "")


def _item(path: LecturePath, step: Step, paper: Paper, image: str) -> str:
    """One question: what it says, where its view is, room for the answer or the answer itself."""
    ask, answer = step.ask, paper.answers.get(step.key)
    assert ask is not None
    address = html.escape(link(path, step, paper))
    found = answer if isinstance(answer, Answer) else None
    room = {"models": _boxes, "number": _line, "place": _picture}[ask.kind](
        step, ask, found, paper, image
    )
    said = ""
    if answer is not None:
        message = answer.said if isinstance(answer, Answer) else answer
        said = f'<p class="said">{html.escape(message.text(paper.language))}</p>'
    return (
        f"<li><h2>{html.escape(_in(step.title, paper.language))}</h2>"
        f"<p>{html.escape(_in(ask.text, paper.language))}</p>{room}{said}"
        f'<p class="link"><a href="{address}">{address}</a></p></li>'
    )


def _boxes(_step: Step, ask: Question, answer: Answer | None, _paper: Paper, _image: str) -> str:
    """A box for each model; in the key the right ones are ticked."""
    right = answer.models if answer else ()
    boxes = (
        f'<span class="box">{BOXES[key in right]} {html.escape(registry.spec(key).title)}</span>'
        for key in ask.options
    )
    return f'<p class="boxes">{"".join(boxes)}</p>'


def _line(_step: Step, ask: Question, answer: Answer | None, paper: Paper, _image: str) -> str:
    """A line to write a number on; in the key the number stands on it."""
    number = f"{answer.number:.4g}" if answer and answer.number is not None else ""
    unit = paper.said(f"lecture.unit_{ask.unit}") if ask.unit else ""
    return f'<p class="number"><span>{number}</span> {unit}</p>'


def _picture(step: Step, _ask: Question, answer: Answer | None, _paper: Paper, image: str) -> str:
    """The picture with the step's place; in the key the patch that is right is framed."""
    marks = ""
    if step.view.place:
        x, y = step.view.place
        marks = f'<i class="place" style="left:{x / 10}%;top:{y / 10}%"></i>'
    if answer and answer.area:
        left, top, width, height = (value / 10 for value in answer.area)
        marks += (
            f'<i class="area" style="left:{left:.2f}%;top:{top:.2f}%;'
            f'width:{width:.2f}%;height:{height:.2f}%"></i>'
        )
    return f'<div class="mark"><img alt="" src="data:image/jpeg;base64,{image}">{marks}</div>'
