"""A Ray cluster of several nodes on one machine, each in a network namespace of its own; needs root and `ip`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_BRIDGE = "dplab"
_PORT = 6379
_RAY = str(Path(sys.executable).with_name("ray"))


@dataclass(frozen=True)
class Node:
    """One node.

    Args:
        name: of its namespace.
        address: its own.
    """

    name: str
    address: str

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command],
            check=check,
            capture_output=True,
            text=True,
            env=_environment(),
        )

    @property
    def processes(self) -> list[int]:
        """What runs there."""
        found = subprocess.run(["ip", "netns", "pids", self.name], check=True, capture_output=True, text=True)
        return [int(line) for line in found.stdout.split()]

    def kill(self) -> None:
        """End all that runs there at once, as a machine does that loses its power."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@contextmanager
def three_nodes(cores: int) -> Iterator[tuple[Node, Node, Node]]:
    """A head without workers, where the driver runs, and two nodes with so many cores each."""
    head, *others = (Node(f"{_BRIDGE}-{name}", f"10.231.77.{number}") for number, name in enumerate("abc", 10))
    try:
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("link", "set", _BRIDGE, "up")
        for node in (head, *others):
            _add(node)
        common = ["--disable-usage-stats"]
        begin = ["--head", "--port", str(_PORT), "--num-cpus", "0", "--include-dashboard", "false"]
        head.run(_RAY, "start", "--node-ip-address", head.address, *begin, *common)
        for node in others:
            join = ["--address", address_of(head), "--num-cpus", str(cores)]
            node.run(_RAY, "start", "--node-ip-address", node.address, *join, *common)
        yield head, others[0], others[1]
    finally:
        for node in (head, *others):
            with suppress(subprocess.CalledProcessError):
                node.kill()
                _ip("netns", "del", node.name)
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", _BRIDGE)


def address_of(head: Node) -> str:
    """The address of the cluster, for a driver on its head."""
    return f"{head.address}:{_PORT}"


def _add(node: Node) -> None:
    outside = f"{_BRIDGE}{node.address.rpartition('.')[2]}"
    _ip("netns", "add", node.name)
    _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", node.name)
    _ip("link", "set", outside, "master", _BRIDGE, "up")
    _ip("-n", node.name, "addr", "add", f"{node.address}/24", "dev", "eth0")
    for device in ("eth0", "lo"):
        _ip("-n", node.name, "link", "set", device, "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
