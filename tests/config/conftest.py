"""A config of one balancer to vary, and the two things that can come of it."""

from collections.abc import Callable

import pytest

from kglb.config.load import Loaded, parse
from kglb.config.problems import ConfigError


def write_balancer(**keys: str) -> str:
    lines = {
        "name": '"web"',
        "service": '"tcp://192.0.2.1:80"',
        "reals": '["10.0.0.1:80"]',
        "check": '{ type = "dummy" }',
    } | keys
    return "[[balancer]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value)


def refusals(text: str, environ: dict[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="config.toml", environ=environ or {})
    return {
        problem.path: "; ".join(part for part in (problem.message, problem.hint) if part)
        for problem in caught.value.problems
    }


def accepted(text: str, environ: dict[str, str] | None = None) -> Loaded:
    return parse(text, source="config.toml", environ=environ or {})


@pytest.fixture
def balancer() -> Callable[..., str]:
    """The text of one balancer; keys are TOML, an empty one is left out."""
    return write_balancer


@pytest.fixture
def refuse() -> Callable[..., dict[str, str]]:
    """The problems of a text by path; the text must have some."""
    return refusals


@pytest.fixture
def accept() -> Callable[..., Loaded]:
    """What a text loads to."""
    return accepted
