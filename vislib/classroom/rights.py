"""Who may lead: those who know the key that the server's own terminal shows."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What keys are made of: nothing that is taken for something else."""
LENGTH = 12
MOST_READ = 200
"""Letters of a key or token that are looked at."""


def new_key() -> str:
    """A key of 59 bits that can be read aloud: "abcd-efgh-jkmn"."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return "-".join(letters[at : at + 4] for at in range(0, LENGTH, 4))


def _plain(key: str) -> bytes:
    """A key as it is compared: how it was spaced and written does not matter."""
    return "".join(key[:MOST_READ].lower().replace("-", "").split()).encode(errors="replace")


def hashed(token: str) -> str:
    """What is kept of a browser's token."""
    return hashlib.sha256(token[:MOST_READ].encode(errors="replace")).hexdigest()


class Rights:
    """The key, and the browsers that gave it.

    Args:
        key: Empty where anybody who reaches the server may lead: on this machine alone.
        ticket: Opens once without the key, for the link in the server's terminal; may be empty.
        tokens: What is kept of browsers that gave the key before the server was started again.
        cookie: What a browser keeps its token in; each server of a machine needs its own.
    """

    def __init__(
        self,
        key: str = "",
        ticket: str = "",
        tokens: Iterable[str] = (),
        cookie: str = "mixscope_lecturer",
    ) -> None:
        self._key, self._ticket, self.cookie = _plain(key), ticket.encode(), cookie
        self.tokens = set(tokens)

    @property
    def needs_key(self) -> bool:
        """Whether anybody is asked for it."""
        return bool(self._key)

    def enter(self, key: str) -> str | None:
        """A token for a browser whose visitor gave the key; None where it is wrong."""
        return self._admit() if hmac.compare_digest(_plain(key), self._key) else None

    def enter_once(self, ticket: str) -> str | None:
        """A token for the first who brings the ticket; None for all others."""
        same = hmac.compare_digest(ticket[:MOST_READ].encode(errors="replace"), self._ticket)
        if not self._ticket or not same:
            return None
        self._ticket = b""
        return self._admit()

    def _admit(self) -> str:
        token = secrets.token_urlsafe(32)
        self.tokens.add(hashed(token))
        return token

    def holds(self, token: str | None) -> bool:
        """Whether a browser with this token may lead."""
        return not self.needs_key or (bool(token) and hashed(str(token)) in self.tokens)
