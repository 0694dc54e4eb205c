"""An answer is judged by its most probable class against the one that a picture shows."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.analysis.answers import verdict
from vislib.schema import ShapeError

CLASSES = ("n07920052", "n02123045", "n09193705")
SURE = np.array([0.1, 0.7, 0.2])


def test_right_wrong_and_not_a_class_of_this_model() -> None:
    assert verdict(CLASSES, SURE, "n02123045") == "right"
    assert verdict(CLASSES, SURE, "n07920052") == "wrong"  # the least probable one
    assert verdict(CLASSES, SURE, "n09193705") == "wrong"  # the second one
    assert verdict(CLASSES, SURE, "n02123394") == "unknown"
    assert verdict(CLASSES, SURE, None) == "unknown"
    assert verdict(CLASSES, np.log(SURE), "n02123045") == "right"


def test_of_equal_classes_the_first_counts_as_the_page_lists_it_first() -> None:
    even = np.array([0.4, 0.4, 0.2])
    assert verdict(CLASSES, even, CLASSES[0]) == "right"
    assert verdict(CLASSES, even, CLASSES[1]) == "wrong"


def test_an_answer_that_does_not_fit_the_classes_is_said() -> None:
    with pytest.raises(ShapeError, match=r"shape \(2,\) came to 3 classes"):
        verdict(CLASSES, SURE[:2], "n02123045")
    with pytest.raises(ShapeError, match="finite"):
        verdict(CLASSES, np.array([0.1, np.nan, 0.2]), "n02123045")
