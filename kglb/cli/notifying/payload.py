"""The text that a target gets. Pure."""

from collections.abc import Callable, Sequence

import msgspec

from kglb.replay.notices import Notice

Encode = Callable[[Sequence[Notice]], bytes]


def one_document(notices: Sequence[Notice]) -> bytes:
    """The one notice there is."""
    (notice,) = notices
    return msgspec.json.encode(notice)


def documents(notices: Sequence[Notice]) -> bytes:
    """An array, also of one."""
    return msgspec.json.encode(notices)


def chat_text(notices: Sequence[Notice]) -> bytes:
    """``{"text": ...}`` with a line for each, as Slack and Mattermost take it at their incoming webhooks."""
    return msgspec.json.encode({"text": "\n".join(_escaped(_line(notice)) for notice in notices)})


def _line(notice: Notice) -> str:
    words = (notice.host, notice.balancer, notice.text)
    return " ".join(word for word in words if word)


def _escaped(text: str) -> str:
    """As Slack wants text that holds no links or mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
