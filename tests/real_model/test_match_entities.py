"""Matching with the embedded model: the same thing written twice, and things that only look alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.engine.questions import Engine
from dp_tools.explain import answer_permutation_averaged
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.match.matching import match_tables
from dp_tools.tables.snapshot import open_table
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_entities import MatchEntitiesAnswer, PairVerdict
from dp_tools.tasks.request_errors import read_request

W55 = {"title": "Sony DSC-W55", "price": "199.99"}
SAME = {"name": "Sony DSC W55 camera", "price": "189.00"}
OTHER = {"name": "Bose QC35 headphones", "price": "299.00"}
ALIKE = {"title": "Sony DSC-W80 black", "price": "249.00"}
REQUEST: dict[str, Any] = {"pairs": [{"left": W55, "right": right} for right in (ALIKE, SAME)]}


def test_one_thing_written_twice_matches_and_what_only_looks_alike_does_not(preprocessor: Preprocessor) -> None:
    answer = preprocessor.match([(W55, SAME), (W55, OTHER), (W55, ALIKE)])
    assert [(pair.match, pair.decided_by) for pair in answer.pairs] == [
        (True, "model"),
        (False, "model"),
        (False, "model"),
    ]
    assert min(pair.confidence or 0 for pair in answer.pairs) > 0.8


def test_averaged_over_orders_the_answer_is_the_same_whichever_side_comes_first(preprocessor: Preprocessor) -> None:
    def match(left: dict[str, str], right: dict[str, str]) -> PairVerdict:
        request = read_request(TASKS["match_entities"], {"pairs": [{"left": left, "right": right}]})
        answer = answer_permutation_averaged(preprocessor.decider, request).answer
        assert isinstance(answer, MatchEntitiesAnswer)
        return answer.pairs[0]

    one, other = match(W55, SAME), match(dict(reversed(SAME.items())), W55)
    assert one.match is other.match is True
    assert one.confidence == pytest.approx(other.confidence, abs=0.02)


def test_two_tables_are_matched(preprocessor: Preprocessor, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\n1,Sony DSC-W810 camera\n2,Bose QC35 headphones\n")
    (tmp_path / "b.csv").write_text("id,name\n1,bose qc35 headphones\n2,sony dsc-w810 camera black\n")
    with open_table(tmp_path / "a.csv") as left, open_table(tmp_path / "b.csv") as right:
        matching = match_tables(Work(preprocessor.decider, NoJournal()), left, right)
    assert {(a, b) for a, b, _ in matching.pairs} == {(0, 1), (1, 0)}


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "match_entities", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "match_entities", REQUEST)
