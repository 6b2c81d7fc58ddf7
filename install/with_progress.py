"""`python install/with_progress.py ARGUMENT ...` is `pip install ARGUMENT ...`, faster and not silent.

Only those libraries of llama.cpp that dp-tools loads are compiled, on all cores; a wheel in pip's cache is taken as it
is. pip says nothing while it compiles, so this prints a line at least every ten seconds, and the end of pip's output if
it fails.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

LLAMA_ONLY = Path(__file__).with_name("llama_only.cmake")
CMAKE_ARGS = shlex.join(("-DLLAVA_BUILD=OFF", f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={LLAMA_ONLY.as_posix()}"))
INTERVAL_S = 8.0
SHOWN_ON_FAILURE = 40
_STEP = re.compile(r"^\s*\[\s*(?:(\d+)/(\d+)|(\d+)%)\]")
_PHASE = re.compile(r"^\s*(Collecting|Downloading|Building wheels?|Installing collected packages|Preparing metadata)\b")


def environment() -> dict[str, str]:
    """This process's environment with the build's flags; CMAKE_ARGS of the user's own come last and win."""
    own = os.environ.get("CMAKE_ARGS", "")
    cores = str(os.cpu_count() or 1)
    return {"CMAKE_BUILD_PARALLEL_LEVEL": cores, **os.environ, "CMAKE_ARGS": f"{CMAKE_ARGS} {own}".strip()}


class _Output:
    """pip's output: where it is, and its last lines."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=SHOWN_ON_FAILURE)
        self.doing = "starting pip"

    def follow(self, stream: object) -> None:
        for line in stream:  # type: ignore[attr-defined]
            self.last.append(line)
            if step := _STEP.match(line):
                done, total, percent = step.groups()
                self.doing = f"compiling llama.cpp, {f'{done} of {total} steps' if total else f'{percent}%'}"
            elif phase := _PHASE.match(line):
                self.doing = phase.group(1).lower() + line[phase.end() :].split("(")[0].rstrip()[:80]


def main(arguments: list[str]) -> int:
    """Run `pip install` with the arguments; its exit code."""
    command = [sys.executable, "-m", "pip", "install", "--verbose", "--progress-bar", "off", *arguments]
    started, output = time.monotonic(), _Output()
    pip = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    reader = threading.Thread(target=output.follow, args=(pip.stdout,), daemon=True)
    reader.start()
    while reader.is_alive():
        reader.join(INTERVAL_S)
        if reader.is_alive():
            print(f"  {_minutes(time.monotonic() - started)}  {output.doing}", flush=True)
    code = pip.wait()
    if code:
        print("".join(output.last), file=sys.stderr)
        print(f"pip ended with code {code}; the last lines of its output are above.", file=sys.stderr)
        print("llama.cpp needs a C and a C++ compiler: on Debian, apt-get install build-essential.", file=sys.stderr)
    else:
        print(f"  {_minutes(time.monotonic() - started)}  installed", flush=True)
    return code


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
