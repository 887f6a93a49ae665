"""A config file: whatever it holds, it is loaded, or refused with lines that a person can read."""

from fuzz.scratch import scratch_directory
from kglb.config.load import load
from kglb.config.problems import ConfigError
from kglb.config.summary import describe

_PATH = scratch_directory("config") / "config.toml"


def one_input(data: bytes) -> None:
    """Load the bytes as a file."""
    _PATH.write_bytes(data)
    try:
        loaded = load(_PATH, environ={})
    except ConfigError as refused:
        check_refusal(refused)
    else:
        assert all(line.isprintable() for line in (*describe(loaded.config), *loaded.warnings))


def check_refusal(refused: ConfigError) -> None:
    """A refusal says something, in lines that a terminal can show."""
    assert refused.lines
    assert all(line.isprintable() for line in refused.lines)
