"""Labels and what was learned from them, kept in the knowledge store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dp_tools.errors import InvalidRequest
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.rules.store.learned import Label, Learned


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KnowledgeStore]:
    with KnowledgeStore.open(tmp_path / "rules.db", import_shipped=False) as opened:
        yield opened


def learned(before: float, after: float) -> Learned:
    return Learned("Beers", "cells", 0, 20, "F1", before, after, {"columns": ["abv"]})


def test_a_later_label_of_a_case_replaces_the_earlier(store: KnowledgeStore) -> None:
    case = {"record": {"abv": "0.05%"}}
    assert store.add_labels("Beers", "cells", [Label(case, {"record": {"abv": "0.5"}})], who="ann") == 1
    assert store.add_labels("BEERS", "cells", [Label(case, {"record": {"abv": "0.05"}})], who="bob") == 1
    (kept,) = store.labels("beers", "cells")
    assert (kept.case, kept.answer, kept.who) == (case, {"record": {"abv": "0.05"}}, "bob")
    assert store.labels("beers", "pairs") == store.labels("Tax", "cells") == ()


def test_the_newest_of_what_was_learned_is_used_unless_it_was_worse(store: KnowledgeStore) -> None:
    assert store.learned("Beers", "cells") is None
    first = store.keep_learned(learned(0.5, 0.9), who="ann")
    assert first == store.learned("beers", "cells")
    second = store.keep_learned(learned(0.5, 0.4), who="ann")
    assert (first.version, second.version, store.learned("Beers", "cells")) == (1, 2, None)
    assert store.list_learned() == (second, first)


def test_what_was_learned_is_removed_with_its_labels(store: KnowledgeStore) -> None:
    store.add_labels("Beers", "cells", [Label({"record": {}}, {"record": {}})], who="ann")
    for _ in range(2):
        store.keep_learned(learned(0.5, 0.9), who="ann")
    assert store.remove_learned("Beers", "cells", 2) == 1
    assert [one.version for one in store.list_learned("Beers")] == [1]
    assert store.remove_learned("Beers", "cells") == 2
    assert (store.list_learned(), store.labels("Beers", "cells")) == ((), ())
    with pytest.raises(InvalidRequest, match="Nothing was learned of the cells of Beers; "):
        store.remove_learned("Beers", "cells")


def test_labels_leave_the_history_of_rules_whole(store: KnowledgeStore) -> None:
    store.add_labels("Beers", "cells", [Label({"record": {}}, {"record": {}})], who="ann")
    assert store.verify().whole
