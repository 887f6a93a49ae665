"""Where verbs look that are told nothing: as the config of this machine's installation says, if it can be read."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kglb.cli.installed import bgp_socket, control_socket, doubt, journal_directory, read_table
from tests.cli.conftest import Command
from tests.cli.daemon import TWO, Site, running
from tests.replay.journals import Fleet

EXAMPLES = sorted(Path("examples").glob("*.toml"))
CONTROL, BGP = '[control]\nsocket = "/run/c"\n', '[bgp]\nsocket = "/run/b"\n'
JOURNAL = '[journal]\ndirectory = "/srv/j"\n'
KEYS = 'journal.directory = "/srv/j"\nlists = [\n[1],\n[2]]\ncontrol = { socket = "/run/c" }\nbgp.socket = "/run/b"\n'
BALANCER = '\n[[balancer]]\nname = "web"\nreals = [\n  "192.0.2.1:80",\n]\n'


def defaults() -> bool:
    """Whether the three places are the default ones."""
    return (journal_directory(), control_socket(), bgp_socket()) == (
        Path("/var/lib/kglb/journal"),
        "/run/kglb/control.sock",
        "/run/kglb/exabgp.sock",
    )


# --- what the config says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        JOURNAL + CONTROL + BGP + BALANCER,
        BALANCER + '[ bgp ] # later\nsocket = "/run/b"\n' + CONTROL + '["journal"]\ndirectory = "/srv/j"',
        KEYS.replace("lists = [\n[1],\n[2]]\n", "") + BALANCER,
        KEYS + BALANCER,
        "\ufeff" + (JOURNAL + CONTROL + BGP + BALANCER).replace("\n", "\r\n"),
        'note = """\n[journal]\ndirectory = "/elsewhere"\n"""\n' + JOURNAL + CONTROL + BGP,
    ],
    ids=["tables", "tables at the end", "keys", "lists of lists", "of another editor", "a header in a text"],
)
def test_the_config_is_believed_however_it_is_written(installed: Path, text: str) -> None:
    installed.write_bytes(text.encode())
    assert (journal_directory(), control_socket(), bgp_socket()) == (Path("/srv/j"), "/run/c", "/run/b")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["journal", "control", "status", "bgp", "data_plane", "defaults"])
def test_reading_one_table_finds_what_reading_all_finds(example: Path, name: str) -> None:
    whole = tomllib.loads(example.read_text())
    assert read_table(example, name) == whole.get(name, {})


def test_a_table_is_read_without_the_balancers_that_follow_it(installed: Path) -> None:
    installed.write_text(f'[journal]\ndirectory = "/srv/j"\n{BALANCER}this line is being written')
    assert journal_directory() == Path("/srv/j")


@pytest.mark.parametrize(
    "text", ["", BALANCER, "journal = 5\ncontrol = []", '{"services": []}', "not = [ toml", "\x00"]
)
def test_a_config_that_says_nothing_of_use_leaves_the_defaults(installed: Path, text: str) -> None:
    installed.write_text(text)
    assert defaults()


# --- when nothing was found ---------------------------------------------------------------------------------------


def test_no_config_and_a_good_one_cast_no_doubt(installed: Path) -> None:
    assert (defaults(), doubt("/run/kglb/control.sock")) == (True, "")
    installed.write_text(BALANCER)
    assert doubt("/run/kglb/control.sock") == ""


def test_a_config_that_cannot_be_read_casts_doubt_on_defaults_alone(installed: Path) -> None:
    installed.write_text("not = [ toml")
    assert doubt("/run/kglb/control.sock").startswith(f"; {installed} may name another, but cannot be read: ")
    assert doubt("/run/elsewhere.sock") == ""
    installed.unlink()
    installed.mkdir()
    assert doubt("/var/lib/kglb/journal").endswith("cannot be read: Is a directory")


@pytest.mark.skipif(os.path.exists("/var/lib/kglb/journal"), reason="a daemon is installed here: its journal is found")
def test_who_finds_no_journal_hears_that_the_config_could_not_be_read(installed: Path, kglb: Command) -> None:
    installed.write_text("not = [ toml")
    ran = kglb("tail")
    assert ran.code == 3
    assert f"{installed} may name another, but cannot be read" in ran.err
    installed.write_text(BALANCER)
    assert str(installed) not in kglb("tail").err


# --- verbs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, installed: Path) -> Iterator[Site]:
    """A daemon of the installed config, which has its journal and its socket elsewhere."""
    one = Site(tmp_path)
    one.write(TWO, installed)
    with running(one):
        one.wait_up("192.168.100.100:80")
        yield one


def test_verbs_find_the_daemon_and_its_journal_by_its_config(site: Site, kglb: Command) -> None:
    assert kglb("drain", "192.168.100.100").code == 0
    ran = kglb("replay", "--seq", "2")
    assert (ran.code, ran.out) == (0, kglb("replay", site.journal, "--seq", "2").out)
    for verb in (["tail"], ["explain", "192.168.100.100:80"], ["verify"], ["journal", "fsck"], ["reload"]):
        assert kglb(*verb).code == 0, verb
    assert kglb("stop").code == 0


def test_a_daemon_that_takes_no_orders_is_given_none(installed: Path, kglb: Command) -> None:
    installed.write_text('[control]\nsocket = "off"\n')
    ran = kglb("drain", "192.168.100.100")
    assert (ran.code, ran.err.splitlines()[0]) == (
        3,
        f"error: {installed} has no control socket: socket in [control] is off",
    )


def test_a_journal_that_is_named_costs_no_look_at_the_config(fleet: Fleet, tmp_path: Path) -> None:
    watch = "import sys; from kglb.cli import main, installed; installed.INSTALLED = None; "
    watch += f"sys.exit(main.main(['verify', {str(fleet.builder.directory)!r}]))"
    subprocess.run([sys.executable, "-c", watch], check=True, stdout=subprocess.DEVNULL)
