"""Facts about many pairs at once are the facts that each pair has by itself, as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp_tools.profiling import PairFacts
from dp_tools.profiling import pair_features as module
from dp_tools.profiling.facts import SharedWords, Similarity
from dp_tools.profiling.pair_features import pair_features

SHOPS: list[dict[str, str | None]] = [
    {"title": "Sony DSC-W55 camera black", "price": "199.99", "made": "2007-03-01"},
    {"title": "sony camera dscw55", "price": "189.00", "made": "3/1/2007"},
    {"title": "Canon EOS 40D", "price": None, "made": "2008-01-16"},
]
TEXTS = (
    st.none() | st.sampled_from(["", "?", "12.50", "$12.5", "2005", "9/24/1986", "1986-09-24"]) | st.text(max_size=20)
)


def features(records: list[dict[str, str | None]], pairs: list[tuple[int, int]]) -> module.PairFeatures:
    table = pl.DataFrame(records, schema=dict.fromkeys(records[0], pl.String))
    return pair_features(PairFacts(records), table, table, np.array(pairs))


def test_a_pair_has_a_similarity_for_each_attribute_and_weights_of_what_is_shared_and_what_is_not():
    found = features(SHOPS, [(0, 1), (0, 2)])
    assert found.column("similarity made").tolist() == pytest.approx([1.0, 0.7], abs=0.2)
    assert found.column("similarity price")[0] == pytest.approx(0.945, abs=0.001)
    assert np.isnan(found.column("similarity price")[1])
    assert found.column("codes").tolist() == [1, 0]
    assert found.column("letters both").tolist() == [2, 0]
    assert found.column("letters a only").tolist() == [1, 3]
    assert found.column("numbers b only")[1] == 1


@settings(max_examples=60)
@given(st.lists(st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}), min_size=2, max_size=6))
def test_many_pairs_at_once_are_told_what_each_is_told_by_itself(records):
    pairs = [(left, right) for left in range(len(records)) for right in range(len(records))]
    found, alone = features(records, pairs), PairFacts(records)
    for row, (left, right) in enumerate(pairs):
        told = alone.about(records[left], records[right])
        alike = {fact.attribute: fact.percent for fact in told if isinstance(fact, Similarity)}
        for name in ("a", "b"):
            similarity = found.column(f"similarity {name}")[row]
            assert (
                np.isnan(similarity) if name not in alike else 100 * similarity == pytest.approx(alike[name], abs=0.51)
            )
        words = next((fact for fact in told if isinstance(fact, SharedWords)), None)
        share = found.column("words of shorter")[row]
        assert np.isnan(share) if words is None else 100 * share == pytest.approx(words.of_shorter, abs=0.51)
        assert found.column("codes")[row] == alone.codes(records[left], records[right])


def test_pairs_in_parts_are_told_the_same(monkeypatch: pytest.MonkeyPatch):
    whole = features(SHOPS * 4, [(n, 11 - n) for n in range(12)])
    monkeypatch.setattr(module, "AT_ONCE", 5)
    table = pl.DataFrame(SHOPS * 4)
    pairs = np.array([(n, 11 - n) for n in range(12)])
    parts = pair_features(PairFacts(SHOPS * 4), table, table, pairs)
    assert np.array_equal(whole.values, parts.values, equal_nan=True)
