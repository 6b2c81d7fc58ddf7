"""Cleans a table on a cluster in a process of its own, for the test that ends it suddenly.

Usage: cluster_job.py ADDRESS MODEL TABLE OUTPUT STATE
"""

from __future__ import annotations

import sys
from pathlib import Path

from dp_tools import Preprocessor

if __name__ == "__main__":
    address, model, table, output, state = sys.argv[1:]
    with Preprocessor(model, ":memory:", cache=False, state=Path(state), workers=1, cluster=address) as preprocessor:
        preprocessor.clean(table, ask_all=True, output=output)
