"""A flipped bit in any of the databases costs time or gets one sentence; it never makes a wrong answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from attacks.flipped_bits import ATTACKS


@pytest.mark.parametrize("name", list(ATTACKS))
def test_300_flipped_bits_make_no_wrong_answer(name: str, tmp_path: Path) -> None:
    assert ATTACKS[name](tmp_path, flips=300) == []
