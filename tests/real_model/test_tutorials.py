"""The tutorials, with the embedded model: what they show is what it does."""

from __future__ import annotations

import pytest
from snippets import ROOT, name, run_page

TUTORIALS = sorted((ROOT / "docs" / "tutorial").glob("*.md"))


@pytest.mark.parametrize("page", TUTORIALS, ids=name)
def test_a_tutorial_does_what_it_shows(page, snippet_folder, lent_engine):  # noqa: ARG001
    run_page(page)
