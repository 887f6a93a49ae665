"""KgLb's configs to vary: the valid base of its own validate_test.go, and a way to change one thing in it."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest

from kglb.config.load import Loaded, parse
from kglb.config.problems import ConfigError

Json = dict[str, Any]
GONE = object()
"""Given to ``changed``: the option is left out."""

BASE: Json = {
    "name": "web",
    "setupName": "edge",
    "lbService": {"ipvsService": {"tcpAttributes": {"address": {"ipv4": "172.0.0.1"}, "port": 80}}},
    "upstreamRouting": {},
    "upstreamChecker": {"riseCount": 1, "fallCount": 1, "checker": {"dummy": {}}},
    "upstreamDiscovery": {"port": 80, "staticAttributes": {"hosts": ["host-1"]}},
    "dynamicRouting": {},
}


def changed(balancer: Json, option: str, value: Any) -> Json:
    """The balancer with one option, dotted, set or left out."""
    balancer = deepcopy(balancer)
    *outer, last = option.split(".")
    table = balancer
    for name in outer:
        table = table.setdefault(name, {})
    if value is GONE:
        del table[last]
    else:
        table[last] = value
    return balancer


def with_check(kind: str, fields: Json) -> Json:
    return changed(BASE, "upstreamChecker.checker", {kind: fields})


def with_service(kind: str, fields: Json) -> Json:
    return changed(BASE, "lbService.ipvsService", {kind: fields})


def snake(value: Any) -> Any:
    """The same in the spelling of the proto files."""
    if isinstance(value, list):
        return [snake(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), key): snake(each) for key, each in value.items()}


def text_of(*balancers: Json) -> str:
    return json.dumps({"balancers": balancers}, indent=1)


def accepted(*balancers: Json) -> Loaded:
    return parse(text_of(*balancers), source="kglb.json", environ={})


def refused(*balancers: Json) -> dict[str, str]:
    """The problems by path; there must be some."""
    with pytest.raises(ConfigError) as caught:
        accepted(*balancers)
    return {
        problem.path: "; ".join(part for part in (problem.message, problem.hint) if part)
        for problem in caught.value.problems
    }
