"""Blocking finds the pairs worth a question; pairing turns scored pairs into a result."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp_tools.errors import Cancelled
from dp_tools.tables.match import blocking, pairing
from dp_tools.tables.match.blocking import Candidates, candidate_pairs
from dp_tools.tables.match.neighbourhoods import in_neighbourhoods
from dp_tools.tables.match.pairing import ScoredPair, ScoredPairs
from dp_tools.tables.match.rivals import rival_features
from dp_tools.tables.snapshot import Table, open_table

MAKERS = ["Sony", "Canon", "Nikon", "Bose", "Philips", "Garmin", "Epson", "Brother", "Logitech", "Asus"]
THINGS = ["camera", "printer", "headphones", "speaker", "monitor", "keyboard", "scanner", "router", "watch", "lens"]


def product(number: int) -> str:
    return f"{MAKERS[number % 10]} {THINGS[number // 10 % 10]} {chr(65 + number % 26)}{number * 37 % 991}"


def write(path: Path, header: str, lines: list[str]) -> Table:
    path.write_text("\n".join([header, *lines]) + "\n")
    return open_table(path)


def test_records_that_are_alike_become_candidates_and_few_others(tmp_path: Path) -> None:
    left = write(tmp_path / "a.csv", "id,title", [f"{n},{product(n)}" for n in range(100)])
    right = write(
        tmp_path / "b.csv",
        "code,name",
        [f"{n + 500},{product(n).upper().replace(' ', '  ')} NEW" for n in range(50, 150)],
    )
    with left, right:
        found = candidate_pairs(left, right)
        assert found.recall([(n, n - 50) for n in range(50, 100)]) == 1
        assert found.per_record <= 10
        again = candidate_pairs(left, right)
        assert found.left.tolist() == again.left.tolist()
        assert found.similarity.tolist() == again.similarity.tolist()


def test_duplicates_inside_a_table_are_candidates_once(tmp_path: Path) -> None:
    lines = [f"{n},{product(n)}" for n in range(60)] + [f"{60 + n},{product(n)} black" for n in range(20)]
    with write(tmp_path / "t.csv", "id,title", lines) as table:
        found = candidate_pairs(table)
    assert all(left < right for left, right in zip(found.left, found.right, strict=True))
    assert len(set(zip(found.left.tolist(), found.right.tolist(), strict=True))) == len(found)
    assert found.recall([(n, 60 + n) for n in range(20)]) == 1


def test_a_table_that_is_looked_up_in_parts_has_the_same_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{n},{product(n)}" for n in range(60)] + [f"{60 + n},{product(n)} black" for n in range(20)]
    with write(tmp_path / "t.csv", "id,title", lines) as table:
        whole = candidate_pairs(table)
        monkeypatch.setattr(blocking, "_BLOCK", 7)
        in_parts = candidate_pairs(table)
    assert in_parts.left.tolist() == whole.left.tolist()
    assert in_parts.right.tolist() == whole.right.tolist()
    assert in_parts.similarity.tolist() == pytest.approx(whole.similarity.tolist())


def test_blocking_reports_progress_can_be_cancelled(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "id,title", [f"{n},{product(n)}" for n in range(30)])
    seen: list[tuple[int, int]] = []
    stop = threading.Event()
    stop.set()
    with table:
        candidate_pairs(table, progress=lambda done, total: seen.append((done, total)))
        assert seen[-1] == (30, 30)
        with pytest.raises(Cancelled):
            candidate_pairs(table, cancel=stop)


def test_tables_without_records_or_text_have_no_candidates(tmp_path: Path) -> None:
    empty = write(tmp_path / "a.csv", "id,title", [])
    blank = write(tmp_path / "b.csv", "id,title", ["1,", "2,", "3,"])
    with empty, blank:
        assert len(candidate_pairs(empty, blank)) == 0
        assert len(candidate_pairs(blank)) == 0


def candidates(left: list[int], right: list[int], similarity: list[float]) -> Candidates:
    return Candidates(np.array(left), np.array(right), np.array(similarity, np.float32), 9, 9)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60), st.booleans())
def test_pairs_in_neighbourhoods_are_all_pairs_once(pairs: list[tuple[int, int]], shared: bool) -> None:
    left, right = (np.array(side, np.int64) for side in ([a for a, _ in pairs], [b for _, b in pairs]))
    candidates = Candidates(left, right, np.ones(len(pairs), np.float32), 31, 31)
    assert sorted(in_neighbourhoods(candidates, shared=shared).tolist()) == list(range(len(pairs)))


def test_pairs_of_the_same_records_stand_together() -> None:
    groups = [(start + a, start + b) for start in range(0, 60, 6) for a in range(6) for b in range(a + 1, 6)]
    shuffled = np.random.default_rng(3).permutation(np.array(groups))
    candidates = Candidates(shuffled[:, 0], shuffled[:, 1], np.ones(len(groups), np.float32), 60, 60)
    order = in_neighbourhoods(candidates, shared=True)
    assert [len(set(part.tolist())) for part in np.split(shuffled[order, 0] // 6, 10)] == [1] * 10


def test_each_candidate_knows_how_it_stands_among_its_rivals() -> None:
    found = rival_features(candidates([0, 0, 1], [5, 6, 5], [0.5, 0.8, 0.9]), shared=False)
    assert found.column("rank left").tolist() == [1, 0, 0]
    assert found.column("rank right").tolist() == [1, 0, 0]
    assert found.column("share of best left") == pytest.approx([0.625, 1, 1])
    assert found.column("margin left") == pytest.approx([-0.3, 0.3, 0.9])
    assert found.column("margin right") == pytest.approx([-0.4, 0.8, 0.4])


def test_in_one_table_the_rivals_of_a_record_stand_on_either_side() -> None:
    found = rival_features(candidates([0, 1], [1, 2], [0.5, 0.8]), shared=True)
    assert found.column("rank right").tolist() == [1, 0]
    assert found.column("rank left").tolist() == [0, 0]
    assert found.column("margin left") == pytest.approx([0.5, 0.3])


def one_to_one(pairs: list[ScoredPair]) -> list[ScoredPair]:
    known = ScoredPairs.of(pairs)
    return list(known.at(pairing.one_to_one(known)))


def clusters(pairs: list[ScoredPair], threshold: float = 0.5) -> list[tuple[list[int], float]]:
    return pairing.clusters(ScoredPairs.of(pairs), threshold)


def test_one_to_one_takes_the_best_sum_not_the_first_pair() -> None:
    pairs = [(0, 0, 0.9), (0, 1, 0.85), (1, 0, 0.8), (2, 2, 0.2)]
    assert one_to_one(pairs) == [(0, 1, 0.85), (1, 0, 0.8)]
    assert one_to_one([]) == []


def test_one_to_one_takes_pairs_below_one_half_only_where_most_are_uncertain() -> None:
    doubt = (9, 9, 0.4)
    assert doubt not in one_to_one([*((row, row, 0.99) for row in range(9)), doubt])
    assert doubt in one_to_one([*((row, row, 0.55) for row in range(9)), doubt])
    assert one_to_one([(row, row, 0.1) for row in range(9)]) == []


SCORED = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.floats(0.0, 1.0)), unique_by=lambda p: p[:2])


@given(SCORED)
def test_one_to_one_never_uses_a_record_twice(pairs: list[tuple[int, int, float]]) -> None:
    chosen = one_to_one(pairs)
    assert len({left for left, _, _ in chosen}) == len(chosen) == len({right for _, right, _ in chosen})
    assert set(chosen) <= set(pairs)


@given(SCORED)
def test_one_to_one_expects_no_higher_f1_of_fewer_of_its_pairs(pairs: list[tuple[int, int, float]]) -> None:
    def expected_f1(taken: list[tuple[int, int, float]]) -> float:
        return 2 * sum(score for _, _, score in taken) / (len(taken) + sum(score for _, _, score in pairs))

    chosen = one_to_one(pairs)
    for left_out in chosen:
        assert expected_f1([pair for pair in chosen if pair != left_out]) <= expected_f1(chosen) + 1e-9


def test_a_tangle_of_very_many_records_is_still_taken_apart() -> None:
    sure = [(row, row, 0.9) for row in range(2100)]
    assert one_to_one(sorted([*sure, *((row, row + 1, 0.6) for row in range(2099))])) == sure
    couples = [(row, row + 1, 0.95) for row in range(0, 2100, 2)]
    chain = [(row, row + 1, 0.6) for row in range(1, 2099, 2)]
    assert [group for group, _ in clusters(sorted([*couples, *chain]))] == [[a, b] for a, b, _ in couples]


def test_one_wrong_pair_does_not_merge_two_groups() -> None:
    first, second = [(0, 1, 0.9), (0, 2, 0.9), (1, 2, 0.9)], [(3, 4, 0.9), (3, 5, 0.9), (4, 5, 0.9)]
    assert [group for group, _ in clusters([*first, *second, (2, 3, 0.99)])] == [[0, 1, 2], [3, 4, 5]]
    assert [group for group, _ in clusters([(0, 1, 0.9), (2, 3, 0.9), (1, 2, 0.99)])] == [[0, 1], [2, 3]]


def test_groups_form_at_the_probability_from_which_a_pair_counts_as_the_same() -> None:
    pairs = [(0, 1, 0.46), (2, 3, 0.40)]
    assert clusters(pairs) == []
    assert [group for group, _ in clusters(pairs, 0.44)] == [[0, 1]]


def test_a_record_that_most_of_a_group_agrees_with_joins_it() -> None:
    assert [group for group, _ in clusters([(0, 1, 0.9), (0, 2, 0.8), (1, 2, 0.4), (3, 4, 0.2)])] == [[0, 1, 2]]
