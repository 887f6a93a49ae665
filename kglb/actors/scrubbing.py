"""Keeps secrets out of what is recorded: known values are replaced in details, tracebacks and errors."""

from collections.abc import Callable, Iterable

_REDACTED = "[secret]"


def scrubber(secrets: Iterable[str]) -> Callable[[str], str]:
    """What replaces these secrets in a text, the longest first."""
    values = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def scrub(text: str) -> str:
        for value in values:
            text = text.replace(value, _REDACTED)
        return text

    return scrub
