"""Keeps secrets out of what is recorded: known values are replaced in details, tracebacks and errors.

A detail may have a secret with escaped backslashes, or be cut off within a secret: these are replaced, too.
"""

from collections.abc import Callable, Iterable

_REDACTED = "[secret]"
_TELLING = 8  # characters with which a secret that is cut off is known


def scrubber(secrets: Iterable[str]) -> Callable[[str], str]:
    """What replaces these secrets in a text, the longest first."""
    forms = {form for secret in secrets if secret for form in (secret, secret.replace("\\", "\\\\"))}
    values = sorted(forms, key=len, reverse=True)

    def scrub(text: str) -> str:
        for value in values:
            text = text.replace(value, _REDACTED)
        for value in values:
            text = _without_beginnings(text, value)
        return text

    return scrub


def _without_beginnings(text: str, value: str) -> str:
    if len(value) <= _TELLING:
        return text
    at = text.find(value[:_TELLING])
    while at >= 0:
        length = next(length for length in range(len(value), 0, -1) if text.startswith(value[:length], at))
        text = text[:at] + _REDACTED + text[at + length :]
        at = text.find(value[:_TELLING], at + len(_REDACTED))
    return text
