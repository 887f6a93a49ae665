"""docs/configure.md and examples/ say what the code does."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.config.balancers import ANNOUNCE, BALANCER, PERSISTENCE
from kglb.config.checks import COMMON, KINDS, TYPE
from kglb.config.document import BGP, CONTROL, DATA_PLANE, DOCUMENT, JOURNAL, STATUS
from kglb.config.forward import FORWARD, FORWARD_ALIASES, FORWARDS
from kglb.config.headers import SECRET, SENSITIVE_HEADERS
from kglb.config.load import parse
from kglb.config.network import flag, scheduler
from kglb.config.reader import Key
from kglb.config.reals import POOLS, REAL
from kglb.model.service import FLAG_ALIASES, FLAGS, SCHEDULERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configure.md").read_text()
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.toml"))
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
HTTP = KINDS["http"].keys

SECTIONS: dict[str, Sequence[Key]] = {
    "`[journal]`": JOURNAL,
    "`[data_plane]`": DATA_PLANE,
    "`[bgp]`": BGP,
    "`[status]`": STATUS,
    "`[control]`": CONTROL,
    "`[[balancer]]`": BALANCER,
    "`persistence`": PERSISTENCE,
    "`forward`": FORWARD,
    "`reals`": REAL,
    "Pools: reals that DNS or a file lists": [
        *(pool[0]._replace(required=False) for pool in POOLS.values()),
        POOLS["dns"][-1],
    ],
    "`announce`": ANNOUNCE,
    "`[balancer.check]`": (TYPE, *COMMON),
    "`tcp`": KINDS["tcp"].keys,
    "`http` and `https`": HTTP,
    "`https`": KINDS["https"].keys[len(HTTP) :],
    "`dns`": KINDS["dns"].keys,
    "`syslog`": KINDS["syslog"].keys,
    "`udp`": KINDS["udp"].keys,
    "`exec`": KINDS["exec"].keys,
    "`all`": KINDS["all"].keys,
    "Secrets": SECRET,
}

MINIMAL = """
[[balancer]]
name = "web"
service = "tcp://192.0.2.1:80"
reals = ["10.0.0.1:80"]
check = {{ type = "http"{check} }}
{balancer}
[journal]
{journal}
[data_plane]
{data_plane}
[bgp]
{bgp}
[status]
{status}
[control]
{control}
"""


def documented(section: str) -> dict[str, str]:
    """The keys of a section and their defaults, as the page has them."""
    body = re.split(r"^#+ ", PAGE.split(f"# {section}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    table = body.split("| Key | Default |", 1)[1]
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))


def given(section: str) -> str:
    """The section's keys set to their documented defaults, where those are values."""
    defaults = {key: found[1] for key, text in documented(section).items() if (found := re.fullmatch("`(.*)`", text))}
    separator = "\n" if section.startswith("`[") and section != "`[balancer.check]`" else ", "
    return "".join(f"{separator}{key} = {value}" for key, value in defaults.items())


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_has_every_key_of_a_section_and_no_other(section: str) -> None:
    assert list(documented(section)) == [key.name for key in SECTIONS[section]]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_says_which_keys_are_required(section: str) -> None:
    required = [key for key, default in documented(section).items() if default == "required"]
    assert required == [key.name for key in SECTIONS[section] if key.required]


def test_every_section_of_the_document_is_in_the_page() -> None:
    headings = [line for line in PAGE.splitlines() if line.startswith("## ")]
    named = {name for line in headings for name in re.findall(r"`\[*(\w+)\]*`", line)}
    assert {key.name for key in DOCUMENT} <= named


def test_the_documented_defaults_are_the_defaults() -> None:
    spelled_out = MINIMAL.format(
        check=given("`[balancer.check]`") + given("`http` and `https`"),
        balancer=given("`[[balancer]]`"),
        journal=given("`[journal]`"),
        data_plane=given("`[data_plane]`"),
        bgp=given("`[bgp]`"),
        status=given("`[status]`"),
        control=given("`[control]`"),
    )
    left_out = MINIMAL.format(check="", balancer="", journal="", data_plane="", bgp="", status="", control="")
    assert parse(spelled_out).config == parse(left_out).config


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("tcp", given("`tcp`")),
        ("https", given("`http` and `https`") + given("`https`")),
        ("dns", ', query = "."' + given("`dns`")),
        ("syslog", given("`syslog`")),
        ("udp", given("`udp`")),
    ],
)
def test_the_documented_defaults_of_a_kind_of_check_are_the_defaults(kind: str, keys: str) -> None:
    nothing = {"journal": "", "data_plane": "", "bgp": "", "status": "", "control": "", "balancer": ""}
    required = ', query = "."' if kind == "dns" else ""
    text = MINIMAL.replace('"http"', f'"{kind}"')
    spelled_out, left_out = text.format(check=keys, **nothing), text.format(check=required, **nothing)
    assert parse(spelled_out).config == parse(left_out).config


def test_every_word_for_forwarding_scheduling_flags_and_checks_is_in_the_page() -> None:
    words = [*FORWARDS, *FORWARD_ALIASES, *KINDS]
    assert all(f'`"{word}"`' in PAGE for word in words)
    assert all(f"`{word}`" in PAGE for word in (*SCHEDULERS, *FLAGS, *FLAG_ALIASES))
    assert all(f"`{name}`" in PAGE.lower() for name in SENSITIVE_HEADERS)


def test_the_words_of_the_model_are_all_accepted() -> None:
    assert [scheduler(name) for name in SCHEDULERS] == list(SCHEDULERS)
    assert all(flag(name) for name in (*FLAGS, *FLAG_ALIASES))


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_page_loads_without_a_warning(block: str) -> None:
    assert parse(block, environ={"KGLB_HEALTH_TOKEN": "x"}).warnings == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_without_a_warning(path: Path, tmp_path: Path) -> None:
    (tmp_path / "api-key.txt").write_text("x")
    shutil.copytree(path.parent / "conf.d", tmp_path / "conf.d")
    loaded = parse(path.read_text(), source=str(tmp_path / path.name), environ={"KGLB_HEALTH_TOKEN": "x"})
    assert loaded.config.balancers
    assert loaded.warnings == ()


def test_the_two_directors_differ_in_their_label_alone() -> None:
    one, other = (parse((ROOT / "examples" / f"ecmp-director-{name}.toml").read_text()).config for name in "ab")
    (balancer,) = other.balancers
    assert one == replace(other, balancers=(replace(balancer, setup="a"),))


def test_every_way_of_forwarding_has_an_example() -> None:
    configs = [
        parse(path.read_text(), source=str(path), environ={"KGLB_HEALTH_TOKEN": "x"}).config
        for path in EXAMPLES
        if path.name != "secrets.toml"
    ]
    balancers = [balancer for config in configs for balancer in config.balancers]
    forwards = {real.forward for each in balancers for real in each.reals}
    assert {forward.method for forward in forwards} == {"masquerade", "direct", "tunnel"}
    assert {balancer.service.key.protocol for balancer in balancers} == {"tcp", "udp", "fwmark"}
    assert any(balancer.service.key.ipv6 for balancer in balancers)
