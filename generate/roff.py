"""Text as roff takes it, for the man pages."""

import re

_ESCAPES = str.maketrans({"\\": "\\e", "-": "\\-", "~": "\\(ti", "^": "\\(ha", "`": "\\(ga"})


def text(words: str) -> str:
    """Words for roff: what is to be copied can be, and no control line comes by accident."""
    return re.sub(r"^([.'])", r"\\&\1", words.translate(_ESCAPES))


def bold(words: str) -> str:
    """Words in bold."""
    return f"\\fB{text(words)}\\fR"


def italic(words: str) -> str:
    """Words in italics."""
    return f"\\fI{text(words)}\\fR"
