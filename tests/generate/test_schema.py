"""The JSON Schema takes what the config takes, and explains it."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from generate import ROOT
from generate.schema import PAGE, config_schema

SCHEMA = json.loads(config_schema())
VALIDATOR = Draft7Validator(SCHEMA)
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))

GOOD: dict[str, Any] = {
    "name": "web",
    "service": "tcp://192.0.2.1:80",
    "reals": ["10.0.0.1:80"],
    "check": {"type": "http"},
}


def tables(shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "properties" in shape:
        yield shape
    children = [*shape.get("properties", {}).values(), *shape.get("anyOf", ()), *shape.get("oneOf", ())]
    for child in [*children, *([shape["items"]] if "items" in shape else ())]:
        yield from tables(child)


def errors(**changes: Any) -> list[str]:
    balancer = copy.deepcopy(GOOD) | changes
    return [error.message for error in VALIDATOR.iter_errors({"balancer": [balancer]})]


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_takes_every_example(path: Path) -> None:
    VALIDATOR.validate(tomllib.loads(path.read_text()))


@pytest.mark.parametrize("block", BLOCKS)
def test_it_takes_every_block_of_the_documentation(block: str) -> None:
    VALIDATOR.validate(tomllib.loads(block))


def test_every_key_is_explained() -> None:
    said_elsewhere = {"hex", "env", "file"}
    assert [
        name
        for table in tables(SCHEMA)
        for name, shape in table["properties"].items()
        if not {"description", "$ref"} & shape.keys() and name not in said_elsewhere and table is not SCHEMA
    ] == []


def test_defaults_are_what_their_keys_take() -> None:
    for table in tables(SCHEMA):
        for shape in table["properties"].values():
            if "default" in shape:
                Draft7Validator(shape).validate(shape["default"])


@pytest.mark.parametrize(
    "changes",
    [
        {"setpu": "edge"},
        {"weight": 70000},
        {"weight": "heavy"},
        {"scheduler": "wrrr"},
        {"service": "192.0.2.1:80"},
        {"reals": []},
        {"forward": "gre-ish"},
        {"persistence": 360},
        {"resolve_interval": 5},
        {"check": {"type": "tpc"}},
        {"check": {"type": "tcp", "path": "/"}},
        {"check": {"type": "http", "headers": {"Host": {"env": "A", "file": "b"}}}},
        {"check": {"interval": "5s"}},
        {"check": {"type": "all"}},
        {"check": {"type": "all", "checks": []}},
        {"check": {"type": "all", "checks": [{"type": "tcp", "interval": "1s"}]}},
    ],
    ids=str,
)
def test_it_refuses_mistakes(changes: dict[str, Any]) -> None:
    assert errors() == []
    assert errors(**changes) != []


def test_a_balancer_needs_its_required_keys() -> None:
    assert {"'service' is a required property", "'reals' is a required property"} <= {
        error.message for error in VALIDATOR.iter_errors({"balancer": [{"name": "web"}]})
    }
