"""From a file or a text to a ``Loaded`` config, or a ``ConfigError`` with every mistake and nothing else.

A text that is a JSON object is KgLb's config; what is said here of TOML is said of it too.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from kglb.config.composed import compose
from kglb.config.document import read_config
from kglb.config.files import UnreadableError, read_text, readable_by_others
from kglb.config.problems import ConfigError, Problem, summarised
from kglb.config.reader import Node, Reading, attempt
from kglb.config.secrets import Secrets
from kglb.model import Config, SecretRef

LARGEST_FILE = 16 * 1024 * 1024
"""In bytes; a balancer with 100,000 reals is 3 MB."""

_SYNTAX_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


@dataclass(frozen=True)
class Loaded:
    """A config without mistakes. Only ``secrets`` holds secrets; ``digest`` covers references to them.

    ``cautions`` are what deserves a second look; ``source`` names the config in messages; ``included`` are the files
    that it is made of besides its own.
    """

    config: Config
    secrets: Mapping[SecretRef, str] = field(repr=False)
    cautions: tuple[Problem, ...]
    digest: str
    included: tuple[str, ...] = ()
    source: str = "config"

    @property
    def warnings(self) -> tuple[str, ...]:
        """The cautions as lines for a person."""
        return tuple(summarised(self.cautions, self.source))

    def with_config(self, config: Config) -> "Loaded":
        """The same with another config, as when an option of the command line overrides a key."""
        return replace(self, config=config, digest=digest(config))


def load(path: str | os.PathLike[str], *, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read a config file. Raises ConfigError with every mistake, also when the file cannot be read.

    >>> load("config.toml").config.balancers[0].id  # doctest: +SKIP
    'tcp://192.168.100.10:80'
    """
    name = os.fspath(path)
    source, text = _read(name)
    loaded = parse(text, source=source, environ=environ)
    exposed = _exposed(loaded.secrets, (name, *loaded.included))
    return replace(loaded, cautions=(*loaded.cautions, *exposed))


def _exposed(secrets: Iterable[SecretRef], names: tuple[str, ...]) -> Iterator[Problem]:
    """The files that hold secrets and that everybody may read: the config, and those it refers to."""
    references = list(secrets)
    name = names[0]
    open_ones = [one for one in names if readable_by_others(one)] if any(one.inline for one in references) else []
    for one in open_ones:
        holds = "holds" if one == name == names[-1] else "may hold"
        hint = "chmod o-r, or move the secrets out"
        yield Problem("", None, f"{holds} secrets and everybody may read it", hint, "" if one == name else one)
    for file in dict.fromkeys(reference.file for reference in references if reference.file):
        if readable_by_others(os.path.join(os.path.dirname(name), file)):
            yield Problem("", None, f"the file {file} holds a secret and everybody may read it", "chmod o-r")


def parse(text: str, *, source: str = "config", environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read a config from a text. ``source`` names it in messages; files of secrets are sought beside it.

    Raises ConfigError with every mistake.
    """
    secrets = Secrets(environ, os.path.dirname(source))
    if _is_kglb(text):
        document = _translated(text, source, secrets)
    else:
        reading = Reading(text, secrets)
        document = compose(_document(text, source), reading, secrets.directory, _document, limit=LARGEST_FILE)
    reading = document.reading
    config = attempt(document, read_config)
    if reading.problems or config is None:
        raise ConfigError(source, _by_line(reading.problems))
    return Loaded(config, secrets.values, _by_line(reading.warnings), digest(config), reading.files, source)


def convert_keepalived(path: str | os.PathLike[str], *, leave_out: bool) -> tuple[str, tuple[str, ...]]:
    """keepalived's virtual servers as TOML, and what is told of them: also what has no counterpart, if that is to be
    left out. Raises ConfigError for it otherwise. Whether the TOML loads is another question.
    """
    from kglb.config.foreign.keepalived import convert_keepalived as convert  # noqa: PLC0415 - only here
    from kglb.config.foreign.toml import to_toml  # noqa: PLC0415 - only here

    source, text = _read(os.fspath(path))
    document, told = convert(text, source, leave_out=leave_out)
    return to_toml(document), tuple(one.render(source) for one in told)


def convert_kglb(path: str | os.PathLike[str]) -> tuple[str, Loaded]:
    """KgLb's config as TOML, and what both load to. Raises ConfigError as ``load`` does."""
    from kglb.config.foreign.toml import to_toml  # noqa: PLC0415 - only here

    source, text = _read(os.fspath(path))
    if not _is_kglb(text):
        raise ConfigError(source, (Problem("", 1, "expected KgLb's config, a JSON object"),))
    loaded = parse(text, source=source)
    document = _translated(text, source, Secrets({}, ""))
    assert isinstance(document.value, dict)
    return to_toml(document.value), loaded


def _is_kglb(text: str) -> bool:
    """Whether a text is KgLb's config rather than ours: JSON's first character begins no TOML."""
    return text.lstrip().startswith("{")


def _translated(text: str, source: str, secrets: Secrets) -> Node:
    from kglb.config.foreign.kglb import translate  # noqa: PLC0415 - most configs are ours, and a start shall be quick

    return translate(text, source, secrets)


def digest(config: Config) -> str:
    """The SHA-256 of the config's canonical JSON, in hex: equal for equal configs, whatever their text."""
    return hashlib.sha256(msgspec.json.encode(config, order="deterministic")).hexdigest()


def _read(name: str) -> tuple[str, str]:
    """The name of a file as messages have it, and its text."""
    source = os.fsencode(name).decode("utf-8", "backslashreplace")
    try:
        return source, read_text(name, limit=LARGEST_FILE)
    except UnreadableError as error:
        raise ConfigError(source, (Problem("", None, str(error)),)) from None


def _document(text: str, source: str) -> dict[str, object]:
    try:
        text.encode()
        return tomllib.loads(text)
    except UnicodeEncodeError:
        problem = Problem("", None, "is not Unicode text")
    except tomllib.TOMLDecodeError as error:
        problem = _syntax_problem(str(error), text)
    except RecursionError:
        problem = Problem("", None, "not TOML: brackets are nested too deeply")
    except ValueError:
        problem = Problem("", None, "not TOML: a number has too many digits")
    raise ConfigError(source, (problem,)) from None


def _syntax_problem(message: str, text: str) -> Problem:
    """From the text of tomllib's error: attributes with the position come only with Python 3.14."""
    found = _SYNTAX_PLACE.fullmatch(message)
    if found is None:
        return Problem("", None, f"not TOML: {message}")
    if found[2] is None:
        return Problem("", text.rstrip("\n").count("\n") + 1, f"not TOML: {found[1]} (at the end of the file)")
    return Problem("", int(found[2]), f"not TOML: {found[1]} (column {found[3]})")


def _by_line(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each once: what is wrong with a default is found wherever it is used."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line or 0)))
