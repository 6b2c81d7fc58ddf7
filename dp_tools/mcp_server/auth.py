"""Authorization over HTTP: bearer tokens from a file or the environment, or signed tokens of an OAuth issuer."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.server.auth.provider import AccessToken, TokenVerifier

from dp_tools.errors import InvalidRequest

READ = "dp:read"
RUN = "dp:run"
RULES = "dp:rules"
APPROVE = "dp:approve"
SCOPES = {
    READ: "list tools, read rules and resources",
    RUN: "ask the model",
    RULES: "propose, change and retire rules",
    APPROVE: "make rules act",
}
"""What each scope allows."""
_SHORTEST = 16
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_REFRESH_S = 30.0


class PersonHere(AccessToken):
    """The person at the workbench of a server that asks nobody for a token: all of its callers are one."""


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    name: str
    scopes: tuple[str, ...]


class ListedTokens:
    """Tokens known beforehand. Only their digests are kept, and every one is compared, in constant time.

    Args:
        lines: one token each: `name token scope scope ...`; a token may be written as `sha256:` and its hex digest.
            Blank lines and lines that start with # are left out.

    Raises:
        InvalidRequest: a line is not of that form, a name stands twice, or a token is shorter than 16 characters.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._known: list[_Known] = []
        for number, line in enumerate(lines, start=1):
            words = line.split()
            if words and not words[0].startswith("#"):
                self._known.append(_read(number, words))
        names = [known.name for known in self._known]
        if len(set(names)) < len(names):
            raise InvalidRequest("Two tokens have the same name: give every client a name of its own.")
        if not names:
            raise InvalidRequest("There are no tokens: write one a line, as name, token and scopes.")

    @classmethod
    def from_file(cls, path: Path) -> ListedTokens:
        """Tokens from a file.

        Raises:
            InvalidRequest: the file cannot be read, others may read it, or a line is malformed.
        """
        try:
            if path.stat().st_mode & 0o077:
                raise InvalidRequest(f"Others may read {path}: run `chmod 600 {path}` first.")
            return cls(path.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"The tokens in {path} cannot be read: {error}.") from error

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token's owner and scopes, or None."""
        digest, found = hashlib.sha256(token.encode()).digest(), None
        for known in self._known:
            if hmac.compare_digest(known.digest, digest):
                found = known
        if found is None:
            return None
        return AccessToken(token=token, client_id=found.name, scopes=list(found.scopes))


class SignedTokens:
    """JSON Web Tokens of an OAuth issuer, checked against its published keys (RFC 9068, RFC 7517).

    Args:
        issuer: the `iss` that tokens must have.
        keys: the URL of the issuer's JWKS.
        audience: the `aud` that tokens must have: the URL of this server's endpoint.
    """

    def __init__(self, issuer: str, keys: str, audience: str) -> None:
        from jwt import PyJWKClient

        self._issuer = issuer
        self._audience = audience
        self._client = PyJWKClient(keys, cache_keys=False, lifespan=300, timeout=5)
        self._refreshed = -_REFRESH_S

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token's owner and scopes, or None for a token that is not valid here and now."""
        return await anyio.to_thread.run_sync(self._verify, token)

    def _verify(self, token: str) -> AccessToken | None:
        import jwt

        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            return self._access(
                token,
                jwt.decode(
                    token,
                    key,
                    algorithms=list(_SIGNATURES),
                    audience=self._audience,
                    issuer=self._issuer,
                    options={"require": ["exp", "iss", "aud", "sub"]},
                ),
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, AttributeError, RecursionError):
            # Signed or not: what does not have the form of a token is none. pydantic's errors are ValueErrors.
            return None

    def _access(self, token: str, claims: dict[str, Any]) -> AccessToken:
        """What signed claims allow.

        Raises:
            ValueError, TypeError, OverflowError: a claim is not of its kind.
        """
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]),
            resource=self._audience,
            subject=str(claims["sub"]),
            claims=claims,
        )

    def _key(self, wanted: str | None) -> Any:
        """The issuer's key of that id. Keys are fetched anew for an unknown one, but not for every forged token."""
        found = self._find(wanted, refresh=False)
        if found is None and time.monotonic() - self._refreshed >= _REFRESH_S:
            self._refreshed = time.monotonic()
            found = self._find(wanted, refresh=True)
        return found

    def _find(self, wanted: str | None, *, refresh: bool) -> Any:
        keys = self._client.get_signing_keys(refresh=refresh)
        return next((key for key in keys if key.key_id == wanted), None)


class EitherToken:
    """A token that any of several verifiers knows."""

    def __init__(self, verifiers: Sequence[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        """The first verifier's answer that is not None."""
        for verifier in self._verifiers:
            if (access := await verifier.verify_token(token)) is not None:
                return access
        return None


def _read(number: int, words: Sequence[str]) -> _Known:
    if len(words) < 3:
        raise InvalidRequest(f"Line {number} of the tokens is not `name token scope ...`.")
    name, token, *scopes = words
    if unknown := next((scope for scope in scopes if scope not in SCOPES), None):
        raise InvalidRequest(f"Line {number} of the tokens has the scope {unknown!r}: use {', '.join(SCOPES)}.")
    if token.startswith("sha256:"):
        try:
            digest = bytes.fromhex(token.removeprefix("sha256:"))
        except ValueError:
            digest = b""
        if len(digest) != hashlib.sha256().digest_size:
            raise InvalidRequest(f"Line {number} of the tokens has no SHA-256 digest after sha256:.")
        return _Known(digest, name, tuple(scopes))
    if len(token) < _SHORTEST:
        raise InvalidRequest(f"The token on line {number} is too short to be safe: use {_SHORTEST} characters or more.")
    return _Known(hashlib.sha256(token.encode()).digest(), name, tuple(scopes))


def _scopes(claims: dict[str, Any]) -> list[str]:
    """The scopes that claims name; of what is neither text nor a list of texts, none."""
    given = claims.get("scope", claims.get("scp"))
    if isinstance(given, str):
        return given.split()
    return [scope for scope in given if isinstance(scope, str)] if isinstance(given, list) else []
