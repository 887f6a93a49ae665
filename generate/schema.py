"""The JSON Schema of the config as users write it: shapes from the readers, words and defaults from docs/configure.md.

Editors complete and validate with it (taplo's ``#:schema`` directive). It allows more than ``kglb-actors check`` does,
which knows bounds of durations and what must hold between keys.
"""

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kglb.config.document import read_config
from kglb.config.values import shape_of

PAGE = Path(__file__).parents[1] / "docs" / "configure.md"
DRAFT = "http://json-schema.org/draft-07/schema#"
_CODE = re.compile("`(.*)`")

Json = dict[str, Any]


def config_schema() -> str:
    """The schema's text."""
    document: Json = copy.deepcopy(dict(shape_of(read_config)))
    balancer: Json = document["properties"]["balancer"]["items"]
    of_balancer, checks = balancer["properties"], balancer["properties"]["check"]["oneOf"]
    _explain(document, "Many services: `include` and `[defaults]`")
    for name, section in document["properties"].items():
        if name != "balancer":
            _explain(section, f"`[{name}]`")
    document["properties"]["defaults"]["properties"] = {
        key: {"$ref": f"#/properties/balancer/items/properties/{key}"}
        for key in document["properties"]["defaults"]["properties"]
    }
    _explain(balancer, "`[[balancer]]`")
    for name in ("persistence", "forward", "announce"):
        _explain(of_balancer[name], f"`{name}`")
    for heading in ("`reals`", "Pools: reals that DNS or a file lists"):
        _explain(of_balancer["reals"]["items"], heading)
    for check in checks:
        _explain_check(check)
        for part in check["properties"].get("checks", {}).get("items", {}).get("oneOf", ()):
            _explain_check(part)
    head = {"$schema": DRAFT, "title": "The config of kglb-actors"}
    return json.dumps(head | document, indent=2, ensure_ascii=False) + "\n"


def _explain_check(check: Json) -> None:
    kind = check["properties"]["type"]["const"]
    for heading in ("[balancer.check]", *(("http` and `https",) if kind in ("http", "https") else ()), kind):
        _explain(check, f"`{heading}`")


def _explain(shape: Json, heading: str) -> None:
    """Add to the keys of a table what a section of the page says of them."""
    for key, default, meaning in rows(heading):
        for table in _tables(shape):
            if key in table["properties"]:
                about: Json = {"description": meaning}
                if (code := _CODE.fullmatch(default)) is not None:
                    about["default"] = tomllib.loads(f"value = {code[1]}")["value"]
                table["properties"][key] = about | table["properties"][key]


def _tables(shape: Json) -> Iterator[Json]:
    """A shape itself, and its alternatives, as far as they are tables."""
    yield from (one for one in (shape, *shape.get("anyOf", ())) if "properties" in one)


def rows(heading: str) -> Sequence[tuple[str, str, str]]:
    """Of each key in a section's table: its name, its default and its meaning. No section, no rows."""
    _, found, rest = PAGE.read_text().partition(f"# {heading}\n")
    body = re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    table = body.partition("| Key | Default |")[2] if found else ""
    return re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", table, re.MULTILINE)
