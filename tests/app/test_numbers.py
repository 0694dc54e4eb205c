"""What the formatters of numbers print."""

from __future__ import annotations

import pytest

from views.frame import numbers

PRINTED = (
    (numbers.number, (0.0,), "0"),
    (numbers.number, (0.8349,), "0.83"),
    (numbers.number, (-1234.5,), "-1234"),
    (numbers.number, (2.4e-7,), "2 × 10⁻⁷"),
    (numbers.number, (9.9e-7,), "1 × 10⁻⁶"),
    (numbers.number, (float("inf"),), "inf"),
    (numbers.whole, (7,), "7"),
    (numbers.whole, (1048576,), "1\u202f048\u202f576"),
    (numbers.decimals, (-0.354,), "−0.35"),
    (numbers.decimals, (-0.004,), "0.00"),
    (numbers.decimals, (0.12345, 3), "0.123"),
    (numbers.signed, (0.354,), "+0.35"),
    (numbers.signed, (-0.354,), "−0.35"),
    (numbers.signed, (-0.004,), "+0.00"),
    (numbers.signed, (-0.000123, 5), "−0.00012"),
    (numbers.percent, (0.4123,), "41.2 %"),
    (numbers.percent, (0.41234, 2), "41.23 %"),
    (numbers.percent, (0.0,), "0.0 %"),
    (numbers.percent, (0.0004,), "< 0.1 %"),
    (numbers.percent, (0.0004, 2), "0.04 %"),
    (numbers.percent_value, (0.5,), "50.0"),
    (numbers.percent_value, (0.012,), "1.2"),
    (numbers.percent_value, (0.0034,), "0.34"),
    (numbers.percent_change, (-0.452,), "−45 %"),
    (numbers.percent_change, (0.071,), "+7 %"),
    (numbers.percent_change, (-0.004,), "0 %"),
    (numbers.points, (-0.123,), "−12.3"),
    (numbers.points, (-0.0001,), "+0.0"),
    (numbers.between, ([3, 3],), "3"),
    (numbers.between, ([7, 3],), "3 to 7"),
    (numbers.between, ([1200.0, 0.5], 1), "0.5 to 1,200.0"),
    (numbers.bits, (3.456, 64), "3.46 of 6.00 bit"),
    (numbers.power_of_ten, (0.0,), "0"),
    (numbers.power_of_ten, (3e-7,), "10⁻⁶"),
    (numbers.power_of_ten, (250.0,), "10³"),
)


@pytest.mark.parametrize(("written", "of", "expected"), PRINTED)
def test_what_is_printed(written: object, of: tuple[object, ...], expected: str) -> None:
    assert callable(written)
    found = written(*of)
    assert found.replace("\N{NO-BREAK SPACE}", " ") == expected
    if written not in (numbers.between, numbers.bits):  # sentences; the others stay on one line
        assert " " not in found
