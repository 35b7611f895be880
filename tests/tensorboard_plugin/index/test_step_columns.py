from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tensorboard_plugin.index.step_columns import StepColumns, between

TYPES = {"step": "q", "file": "I", "number": "d"}
measures = st.dictionaries(st.sampled_from("abc"), st.floats(width=32), max_size=3)


@given(st.lists(st.tuples(st.integers(-9, 9), st.floats(allow_nan=False), measures)))
def test_rows_are_those_of_a_dict(puts: list[tuple[int, float, dict[str, float]]]) -> None:
    columns = StepColumns(TYPES)
    expected: dict[int, tuple[int, float, dict[str, float]]] = {}
    for file, (step, number, named) in enumerate(puts):
        i, replaced = columns.put((step, file, number), tuple(named), tuple(named.values()))
        assert replaced == (step in expected)
        expected[step] = file, number, named
    assert columns.step.tolist() == sorted(expected)
    assert len(columns) == len(expected)
    for step, (file, number, named) in expected.items():
        i = columns.find(step)
        assert i is not None
        assert (columns.file_of(step), columns.fixed["number"][i]) == (file, number)
        for name in "abc":
            found, wanted = columns.measure(name, i), named.get(name, math.nan)
            assert found == wanted or (math.isnan(found) and math.isnan(wanted))
    assert columns.find(10) is None
    assert columns.file_of(10) == -1


def test_a_measure_that_is_never_known_has_no_column() -> None:
    columns = StepColumns(TYPES)
    for step in range(3):
        columns.put((step, 0, 0.0), ("known", "unknown"), (step if step else math.nan, math.nan))
    assert list(columns.measures) == ["known"]
    assert columns.bytes_of_a_row == 8 + 4 + 8 + 4


@given(
    st.lists(st.integers(-9, 9), unique=True).map(sorted),
    st.none() | st.integers(-10, 10),
    st.none() | st.integers(-10, 10),
)
def test_both_ends_are_included(steps: list[int], first: int | None, last: int | None) -> None:
    low = -99 if first is None else first
    high = 99 if last is None else last
    if low <= high:
        assert steps[between(steps, first, last)] == [s for s in steps if low <= s <= high]
