"""A config file: whatever it holds, it is loaded, or refused with lines that a person can read."""

from fuzz.scratch import scratch_directory
from kglb.config import ConfigError, describe, load

_PATH = scratch_directory("config") / "config.toml"


def one_input(data: bytes) -> None:
    """Load the bytes as a file."""
    _PATH.write_bytes(data)
    try:
        loaded = load(_PATH, environ={})
        lines = (*describe(loaded.config), *loaded.warnings)
    except ConfigError as refused:
        lines = refused.lines
        assert lines
    assert all(line.isprintable() for line in lines)
