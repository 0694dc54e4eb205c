"""Names beside points: none on another, none on a point, none beyond the edge."""

from __future__ import annotations

import random

from vislib.figures import labels

WIDTH, HEIGHT = 700.0, 400.0


def crowd(count: int) -> tuple[list[tuple[float, float]], list[str]]:
    """Points and names, seeded."""
    chance = random.Random(3)
    points = [(chance.uniform(0, WIDTH), chance.uniform(0, HEIGHT)) for _ in range(count)]
    return points, [f"Model-{number:02}/16" for number in range(count)]


def test_names_do_not_lie_on_each_other_nor_on_points() -> None:
    points, names = crowd(40)
    placed = labels.place(points, names, width=WIDTH, height=HEIGHT)
    boxes = [
        labels.box(*point, name, position)
        for point, name, position in zip(points, names, placed, strict=True)
        if position
    ]
    assert len(boxes) > 20
    for number, one in enumerate(boxes):
        assert not any(labels.meet(one, other) for other in boxes[number + 1 :])
        assert not any(one[0] < x < one[2] and one[1] < y < one[3] for x, y in points)
        assert min(one[0], one[1], WIDTH - one[2], HEIGHT - one[3]) >= 0
    assert labels.place(points, names, width=WIDTH, height=HEIGHT) == placed


def test_the_first_names_come_first_and_what_has_no_room_has_no_name() -> None:
    same = [(300.0, 200.0)] * 20
    placed = labels.place(same, ["a long name of a model"] * 20, width=WIDTH, height=HEIGHT)
    assert placed[0] == "top center"
    assert placed[-1] == ""
    assert labels.place([(2.0, 2.0)], ["at the edge"], width=WIDTH, height=HEIGHT)[0] in (
        "middle right",
        "bottom right",
    )
    assert labels.place([(5.0, 5.0)], [""], width=WIDTH, height=HEIGHT) == [""]
