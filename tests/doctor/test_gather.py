"""What this machine says when it is asked; nothing of it is changed."""

import os
import pwd
import socket
from pathlib import Path

from journal import open_journal
from kglb.config.load import load, parse
from kglb.dataplane.passage import conf
from kglb.doctor import machine
from kglb.doctor.gather import gather

MEMORY = """
[journal]
directory = "{journal}"
[data_plane]
kind = "memory"
[status]
listen = "{listen}"
[[balancer]]
name = "web"
service = "tcp://192.168.100.10:443"
reals = ["10.0.0.1:443"]
check = {{ type = "https", headers = {{ {header} }} }}
"""


def config(tmp_path: Path, *, listen: str = "off", header: str = "") -> Path:
    path = tmp_path / "config.toml"
    path.write_text(MEMORY.format(journal=tmp_path / "journal", listen=listen, header=header))
    return path


def test_a_sysctl_is_read_by_the_name_that_sysctl_has_for_it() -> None:
    names = ("net.ipv4.ip_forward", "net.ipv4.no_such_thing", conf("lo", "arp_ignore"))
    assert machine.sysctls(names).keys() == {"net.ipv4.ip_forward", "net.ipv4.conf.lo.arp_ignore"}


def test_this_process_is_among_the_processes() -> None:
    assert Path("/proc/self/comm").read_text().strip() in machine.processes()


def test_a_directory_that_is_not_there_has_the_disk_of_the_nearest_that_is(tmp_path: Path) -> None:
    disk = machine.disk_of(tmp_path / "not" / "yet")
    assert (disk.existing, disk.writable, disk.used) == (str(tmp_path), True, 0)
    assert disk.free > 0
    assert disk.filesystem != "unknown"


def test_what_a_journal_takes_is_counted(tmp_path: Path) -> None:
    (tmp_path / "segment").write_bytes(b"x" * 1000)
    assert machine.disk_of(tmp_path).used == 1000


def test_an_address_that_somebody_listens_on_cannot_be_had() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert machine.listen_error(f"127.0.0.1:{server.getsockname()[1]}") == "address already in use"
    assert machine.listen_error("192.0.2.1:1") == "cannot assign requested address"
    assert machine.listen_error("") == ""


def test_a_group_is_there_or_not_or_not_asked_for() -> None:
    assert machine.has_group("root")
    assert not machine.has_group("no-such-group")
    assert machine.has_group("")


def test_a_file_is_somebodys_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert machine.owner_of(tmp_path / "file") == pwd.getpwuid(os.getuid()).pw_name
    assert machine.owner_of(tmp_path / "nothing") is None


def test_the_clock_is_kept_or_not_or_does_not_say() -> None:
    assert machine.clock_is_synchronised() in (True, False, None)


def test_the_daemon_that_writes_the_journal_is_found(tmp_path: Path) -> None:
    path = config(tmp_path)
    assert gather(load(path), path).daemon is None
    opened = open_journal(tmp_path / "journal")
    try:
        assert gather(load(path), path).daemon is not None
    finally:
        opened.close()


def test_the_config_and_its_files_of_secrets_are_looked_at(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("x")
    secret.chmod(0o604)
    path = config(tmp_path, header='Authorization = { file = "token" }')
    path.chmod(0o642)
    of_config, of_token = gather(load(path), path).files
    assert (of_config.holds_secrets, of_config.readable_by_others, of_config.writable_by_others) == (False, False, True)
    assert (of_token.path, of_token.holds_secrets, of_token.readable_by_others) == (str(secret), True, True)


def test_without_a_file_no_file_is_looked_at() -> None:
    assert gather(parse('balancer = []\n[data_plane]\nkind = "memory"'), None).files == ()
