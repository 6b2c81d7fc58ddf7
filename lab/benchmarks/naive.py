"""The loop that everyone writes, to compare with: one completion per question, in a process of its own.

Run as `python -m lab.benchmarks.naive` it reads a job from stdin and writes its seconds to stdout, both JSON.
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


def seconds(weights: Path, threads: int, prompts: Sequence[Sequence[int]], longest: int, stop: Sequence[str]) -> float:
    """Seconds that the loop takes for the prompts, once the model is loaded and warm.

    Args:
        weights: a GGUF.
        threads: of a decode.
        prompts: as tokens.
        longest: tokens to generate at most.
        stop: texts that end an answer.
    """
    job = {"weights": str(weights), "threads": threads, "prompts": prompts, "longest": longest, "stop": list(stop)}
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-m", "lab.benchmarks.naive"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


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

    ask(job["prompts"][-1])
    start = time.perf_counter()
    for prompt in job["prompts"]:
        ask(prompt)
    print(json.dumps(time.perf_counter() - start))


if __name__ == "__main__":
    _main()
