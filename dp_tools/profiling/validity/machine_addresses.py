"""Addresses that machines have and identifiers that they make: IP addresses, MAC addresses and UUIDs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MachineAddress:
    """One kind of them.

    Args:
        article: the kind, as a sentence names it.
        like: how one is written, whatever its characters.
        is_right: whether what is written so is one.
        needs: what one is made of, as a sentence.
    """

    article: str
    like: re.Pattern[str]
    is_right: Callable[[str], bool]
    needs: str

    def holds(self, value: str) -> bool:
        """Whether a value is one."""
        text = value.strip()
        return self.like.fullmatch(text) is not None and self.is_right(text)

    def fault(self, value: str) -> str | None:
        """Why a value that is written like one is none; None for all others."""
        text = value.strip()
        return self.needs if self.like.fullmatch(text) and not self.is_right(text) else None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_interface(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_hexadecimal(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]+", re.sub(r"[-:.{}]", "", text), re.I) is not None


IP_V4 = MachineAddress(
    "an IP address",
    re.compile(r"\d+(?:\.\d+){3}(?:/\d+)?"),
    _is_ip,
    "An IP address has four numbers from 0 to 255.",
)
MACHINE_ADDRESSES = (
    IP_V4,
    MachineAddress(
        "an IP address",
        re.compile(r"(?=.*:.*:)[0-9a-z:.]+(?:%\w+)?(?:/\d+)?", re.I),
        _is_ip,
        "It is no IP address: one has up to eight groups of four hexadecimal digits.",
    ),
    MachineAddress(
        "a MAC address",
        re.compile(r"[0-9a-z]{2}([:-])(?:[0-9a-z]{2}\1){4}[0-9a-z]{2}|[0-9a-z]{4}\.[0-9a-z]{4}\.[0-9a-z]{4}", re.I),
        _is_hexadecimal,
        "A MAC address has hexadecimal digits only, 0 to 9 and A to F.",
    ),
    MachineAddress(
        "a UUID",
        re.compile(r"\{?[0-9a-z]{8}(?:-[0-9a-z]{4}){3}-[0-9a-z]{12}\}?", re.I),
        _is_hexadecimal,
        "A UUID has hexadecimal digits only, 0 to 9 and A to F.",
    ),
)
"""An IPv6 address is told from a MAC address by `holds`: six groups of two digits are no IP address."""

_GREAT = 32
"""A number that parts of a version hardly reach."""


def may_be_version(value: str) -> bool:
    """Whether four numbers may as well be a version: 2.4.10.1."""
    return all(int(part) < _GREAT for part in re.findall(r"\d+", value.partition("/")[0]))
