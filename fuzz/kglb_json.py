"""KgLb's config: it is refused with lines that a person can read, or converts to TOML that means the same."""

from fuzz.config_text import check_refusal
from fuzz.scratch import scratch_directory
from kglb.config.load import convert_kglb, parse
from kglb.config.problems import ConfigError

_PATH = scratch_directory("kglb") / "kglb.json"


def one_input(data: bytes) -> None:
    """Convert the bytes as a file."""
    _PATH.write_bytes(data)
    try:
        converted, loaded = convert_kglb(_PATH)
    except ConfigError as refused:
        check_refusal(refused)
    else:
        assert parse(converted, environ={}).digest == loaded.digest
