"""The man page kglb-actors.toml(5): docs/configure.md, from Markdown to roff.

It knows the Markdown that this page uses: headings, paragraphs, lists, tables, fenced code, links and code.
"""

import re
from collections.abc import Iterable, Iterator

from generate.roff import bold, text
from generate.schema import PAGE
from kglb import __version__

HEAD = f"""\
.\\" Made by `python -m generate` from docs/configure.md: not to be edited.
.TH KGLB\\-ACTORS.TOML 5 "" "kglb\\-actors {__version__}" "File formats"
.SH NAME
kglb\\-actors.toml \\- the config of kglb\\-actors
.SH SYNOPSIS
.I /etc/kglb/config.toml
.SH DESCRIPTION"""

FOOT = """\
.SH SEE ALSO
.BR kglb\\-actors (1),
.BR ipvsadm (8)
.PP
The pages that are named here, and examples, are in
.IR /usr/share/doc/kglb\\-actors/ ."""

_BLOCK = re.compile(r"^( *)```.*\n(?:.*\n)*?\1```$|(?:^.+\n)+", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()]+\)")
_CODE = re.compile(r"`([^`]+)`")


def config_man_page() -> str:
    """The page's text."""
    _, body = PAGE.read_text().split("\n", maxsplit=1)
    blocks = (line for block in _BLOCK.finditer(body) for line in _block(block[0].rstrip("\n")))
    return "\n".join([HEAD, *blocks, FOOT]) + "\n"


def _block(block: str) -> Iterator[str]:
    """One block of Markdown; a blank line, or a fence, is between two."""
    first = block.lstrip()
    if first.startswith("```"):
        yield from _verbatim(block)
    elif first.startswith("#"):
        marks, _, title = block.partition(" ")
        is_section = len(marks) == 2
        yield f"{'.SH' if is_section else '.SS'} {_words(title.upper() if is_section and '`' not in title else title)}"
    elif first.startswith("|"):
        yield from _table(block.splitlines())
    elif first.startswith("- "):
        for item in re.split(r"^- ", block, flags=re.MULTILINE)[1:]:
            yield from (".IP \\(bu 2", _flowing(item))
    else:
        yield from (".PP", _flowing(block))


def _verbatim(block: str) -> Iterator[str]:
    indent = len(block) - len(block.lstrip())
    yield from (".PP", ".in +4n", ".EX")
    yield from (text(line[indent:]) for line in block.splitlines()[1:-1])
    yield from (".EE", ".in")


def _table(lines: Iterable[str]) -> Iterator[str]:
    """A row is a tagged paragraph: its first cell, and the default of a key, are the tag."""
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    for row in rows:
        tag, about = _words(row[0]), row[1:]
        if head[1] == "Default":
            default = about.pop(0)
            tag += f" ({'' if default == 'required' else 'default: '}{_words(default)})"
        yield from (".TP", tag, _flowing("; ".join(filter(None, about))))


def _flowing(paragraph: str) -> str:
    """A paragraph on one line: roff breaks it anew."""
    return _words(" ".join(paragraph.split()))


def _words(words: str) -> str:
    """Words with their code in bold and their links as text."""
    pieces = _CODE.split(_LINK.sub(r"\1", words))
    return "".join(bold(piece) if index % 2 else text(piece) for index, piece in enumerate(pieces))
