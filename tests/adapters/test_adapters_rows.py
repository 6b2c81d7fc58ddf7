"""Training examples that share rows: each still reads exactly its own tokens."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dp_tools.adapters.rows import Encoded, Row, pack

_TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=12)
_BEGINNINGS = st.sampled_from([[], [3] * 20, [3] * 20 + [4] * 300, [5] * 600])


@st.composite
def _examples(draw: st.DrawFn) -> list[Encoded]:
    count = draw(st.integers(1, 12))
    return [Encoded(draw(_BEGINNINGS) + draw(_TOKENS), draw(_TOKENS)) for _ in range(count)]


def _seen(row: Row, place: int) -> list[int]:
    """The tokens that a place sees, in the order of their positions."""
    positions, ends = row.positions(), row.ends()
    places = [before for before in range(place + 1) if place <= ends[before]]
    assert [positions[p] for p in places] == list(range(len(places)))
    return [row.tokens[p] for p in places]


@given(_examples())
def test_every_example_predicts_its_answer_from_its_own_tokens_and_nothing_else(examples: list[Encoded]) -> None:
    wanted = Counter(
        (tuple(example.prompt + example.answer[:at]), token, len(example.answer) ** -0.5)
        for example in examples
        for at, token in enumerate(example.answer)
    )
    found = Counter(
        (tuple(_seen(row, place)), token, weight) for row in pack(examples) for place, token, weight in row.targets
    )
    assert found == wanted


@given(_examples())
def test_rows_hold_no_more_tokens_than_the_lessons(examples: list[Encoded]) -> None:
    assert sum(map(len, pack(examples))) <= sum(map(len, examples))


def test_a_beginning_that_many_examples_share_stands_once() -> None:
    shared = list(range(100))
    (row,) = pack([Encoded([*shared, 200 + number], [1]) for number in range(8)])
    assert len(row) == 100 + 8 * 2


def test_examples_that_have_little_in_common_stand_in_rows_of_their_own() -> None:
    assert len(pack([Encoded([7, *[number] * 50], [1]) for number in range(8)])) == 8
