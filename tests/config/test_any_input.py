"""No input whatsoever raises anything but ConfigError."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kglb.config.balancers import ANNOUNCE, BALANCER, PERSISTENCE
from kglb.config.checks import COMMON, KINDS, TYPE
from kglb.config.document import DATA_PLANE, DOCUMENT, JOURNAL, STATUS
from kglb.config.forward import FORWARD, FORWARDS
from kglb.config.headers import SECRET
from kglb.config.load import parse
from kglb.config.problems import ConfigError
from kglb.config.reals import REAL
from kglb.config.summary import describe
from kglb.model.service import FLAG_ALIASES, SCHEDULERS

EXAMPLE = (Path(__file__).parents[2] / "examples" / "web.toml").read_text()
ROWS = (
    *(DOCUMENT + JOURNAL + DATA_PLANE + STATUS + BALANCER + PERSISTENCE + ANNOUNCE),
    *(TYPE, *COMMON, *KINDS["http"].keys),
    *(FORWARD + REAL + SECRET),
)
WORDS = (
    *(
        "tcp://192.0.2.1:80",
        "udp://[2001:db8::1]:53",
        "fwmark://10",
        "tcp://192.0.2.1:0",
        "10.0.0.1:80",
        "a:0",
    ),
    *("5s", "250ms", "off", "", "1GiB", "200-299", "/health", "memory", "fail_closed", "csum", "sip"),
    *(*SCHEDULERS, *FLAG_ALIASES, *FORWARDS, *KINDS),
)

keys = st.sampled_from(sorted({key.name for key in ROWS})) | st.text(max_size=8)
scalars = (
    st.sampled_from(WORDS)
    | st.text(max_size=20)
    | st.integers()
    | st.sampled_from((0, 1, 10, 80, 200, 1000))
    | st.booleans()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.times()
)
shallow = scalars | st.lists(scalars, max_size=3) | st.dictionaries(keys, scalars, max_size=4)
trees = shallow | st.lists(shallow, max_size=3) | st.dictionaries(keys, shallow, max_size=4)
check_keys = st.sampled_from([TYPE.name, *(key.name for key in (*COMMON, *KINDS["http"].keys))])
checks = st.dictionaries(check_keys, shallow, max_size=6)
balancers = st.fixed_dictionaries(
    {
        "name": st.just("web") | scalars,
        "service": st.sampled_from(WORDS[:4]) | scalars,
        "reals": st.lists(st.sampled_from(("10.0.0.1:80", "[fd00::1]:80", "a:0")) | shallow, max_size=4),
        "check": st.fixed_dictionaries({"type": st.sampled_from(sorted(KINDS))}) | checks | shallow,
    },
    optional={key.name: shallow for key in BALANCER if not key.required},
)
documents = st.dictionaries(keys, trees, max_size=6) | st.fixed_dictionaries(
    {"balancer": st.lists(balancers, max_size=3)}, optional={"journal": shallow, "data_plane": shallow}
)


def to_toml(value: Any) -> str:
    """A value as inline TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value.encode("utf-8", "ignore").decode()).replace("\x7f", "\\u007f")
        case int() | float():
            return str(value)
        case list():
            return f"[{', '.join(map(to_toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{to_toml(key)} = {to_toml(inner)}' for key, inner in value.items())} }}"
        case _:
            return str(value.isoformat())


def loaded_or_explained(text: str) -> None:
    try:
        lines = describe(parse(text, source="config.toml", environ={}).config)
    except ConfigError as refused:
        lines = refused.lines
    assert lines
    assert all(line.isprintable() for line in lines)


@settings(max_examples=150)
@given(documents)
def test_any_tree_is_loaded_or_explained(document: dict[str, Any]) -> None:
    loaded_or_explained("".join(f"{to_toml(key)} = {to_toml(value)}\n" for key, value in document.items()))


@settings(max_examples=200)
@given(st.text())
def test_any_text_is_loaded_or_explained(text: str) -> None:
    loaded_or_explained(text)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 12), st.sampled_from(WORDS) | st.text(max_size=6)),
        min_size=1,
        max_size=4,
    )
)
def test_a_valid_config_with_pieces_replaced_is_loaded_or_explained(
    edits: list[tuple[int, int, str]],
) -> None:
    text = EXAMPLE
    for start, length, replacement in edits:
        text = text[:start] + replacement + text[start + length :]
    loaded_or_explained(text)


@settings(max_examples=100)
@given(st.data())
def test_a_valid_config_with_a_line_less_is_loaded_or_explained(data: st.DataObject) -> None:
    lines = EXAMPLE.splitlines(keepends=True)
    del lines[data.draw(st.integers(0, len(lines) - 1))]
    loaded_or_explained("".join(lines))
