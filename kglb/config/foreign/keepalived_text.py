"""The text of keepalived's config as blocks of words, by keepalived.conf(5). Knows no keyword but ``include``."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from kglb.config.problems import ConfigError, Problem

_TOKEN = re.compile(
    r"""
      (?P<space> [ \t\r\f\v]+ | [!\#][^\n]* )
    | (?P<newline> \n )
    | (?P<quoted> "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<brace> [{}] )
    | (?P<word> [^\s{}"'!\#]+ )
    | (?P<wrong> . )
    """,
    re.VERBOSE,
)
_ADVANCED = {
    "@": "a line for some machines only",
    "$": "a definition, or the use of one",
    "~": "a generated block",
}
_INCLUDES = ("include", "includer", "includem", "includew", "includeb", "includea")


class Block(msgspec.Struct, frozen=True):
    """A keyword, its arguments and, in braces, what belongs to it."""

    name: str
    words: tuple[str, ...]
    line: int
    inner: tuple["Block", ...] = ()

    @property
    def title(self) -> str:
        """How it begins."""
        return " ".join((self.name, *self.words))


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def parse_keepalived(text: str, source: str) -> tuple[Block, ...]:
    """The blocks of a text. Raises ConfigError for braces that do not match, and for what only keepalived expands."""
    try:
        blocks, end = _blocks(_tokens(text, source), source)
    except RecursionError:
        raise ConfigError(source, (Problem("", None, "braces are nested too deeply"),)) from None
    if end.text == "}":
        raise ConfigError(source, (Problem("", end.line, "a brace is closed that was not opened"),))
    return blocks


def _tokens(text: str, source: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind, said = match.lastgroup or "", match[0]
        if kind == "wrong":
            raise ConfigError(source, (Problem("", line, "a quotation is not closed on its line"),))
        if kind == "quoted":
            yield _Token("word", said[1:-1].replace('\\"', '"'), line)
        elif kind != "space":
            yield _Token(kind, said, line)
        line += said.count("\n")
    yield _Token("end", "", line)


def _blocks(tokens: Iterator[_Token], source: str) -> tuple[tuple[Block, ...], _Token]:
    """The blocks up to the end of this level, and the token that it ends with."""
    blocks: list[Block] = []
    words: list[_Token] = []
    for token in tokens:
        if token.kind == "word":
            words.append(token)
            continue
        if token.text == "{":
            inner, end = _blocks(tokens, source)
            if end.kind == "end":
                raise ConfigError(source, (Problem("", token.line, "a brace is not closed"),))
            if not words:  # it stands on a line of its own
                blocks[-1:] = [msgspec.structs.replace(block, inner=inner) for block in blocks[-1:]]
            else:
                blocks.append(_block(words, source, inner))
        elif words:
            blocks.append(_block(words, source))
        words = []
        if token.kind == "end" or token.text == "}":
            return tuple(blocks), token
    raise AssertionError("the text ends with its end")


def _block(words: list[_Token], source: str, inner: tuple[Block, ...] = ()) -> Block:
    name, *rest = words
    meaning = "an included file" if name.text in _INCLUDES else _ADVANCED.get(name.text[:1])
    if meaning is not None:
        problem = Problem("", name.line, f"{name.text}: {meaning} is not read here", "expand it first")
        raise ConfigError(source, (problem,))
    return Block(name.text, tuple(word.text for word in rest), name.line, inner)
