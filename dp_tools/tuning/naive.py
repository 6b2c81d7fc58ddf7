"""The loop that everyone writes, to compare with: one completion per question, in a process of its own.

Run as `python -m dp_tools.tuning.naive` it reads a job from stdin and writes seconds per slice to stdout, both JSON.
llama-cpp-python reuses the prefix of the call before; the library's own settings hold, with none of this package's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_CONTEXT = 4096


def seconds(
    weights: Path, threads: int, slices: Sequence[Sequence[Sequence[int]]], longest: int, stop: Sequence[str]
) -> list[float]:
    """Seconds that the loop takes for each slice of prompts.

    Args:
        weights: a GGUF.
        threads: of a decode.
        slices: prompts as tokens.
        longest: tokens to generate at most.
        stop: texts that end an answer.
    """
    job = {"weights": str(weights), "threads": threads, "slices": slices, "longest": longest, "stop": list(stop)}
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-m", "dp_tools.tuning.naive"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    times: list[float] = json.loads(done.stdout.splitlines()[-1])
    return times


def _main() -> None:
    from llama_cpp import Llama

    job = json.load(sys.stdin)
    model = Llama(
        job["weights"],
        n_ctx=_CONTEXT,
        n_threads=job["threads"],
        n_threads_batch=job["threads"],
        verbose=False,
    )

    def ask(prompt: list[int]) -> None:
        model.create_completion(prompt, max_tokens=job["longest"], temperature=0.0, stop=job["stop"])

    ask(job["slices"][0][0])
    times = []
    for prompts in job["slices"]:
        start = time.perf_counter()
        for prompt in prompts:
            ask(prompt)
        times.append(time.perf_counter() - start)
    print(json.dumps(times))


if __name__ == "__main__":
    _main()
