"""What IPVS has counted is what /metrics shows, with the labels of node_exporter."""

import re
import subprocess

from kglb.events import DriftFound
from kglb.model import ChangeDestination, Destination, RealId, ServiceId
from lab.client import Client
from lab.namespaces import command, in_namespace
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
LOCAL = 'local_address="10.0.0.100",local_mark="",local_port="80",proto="TCP",service="tcp://10.0.0.100:80"'


def scrape(director: Director) -> str:
    with in_namespace(director.network.director):
        return command("curl", "--silent", "--fail", "http://127.0.0.1:5678/metrics")


def value(text: str, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def connections_in_ipvsadm(director: Director) -> int:
    with in_namespace(director.network.director):
        listed = command("ipvsadm", "-L", "-n", "--stats", "--exact", "-t", "10.0.0.100:80")
    (line,) = (line for line in listed.splitlines() if line.startswith("TCP"))
    return int(line.split()[2])


def test_traffic_is_counted_and_a_removed_real_leaves_no_series(
    director: Director, network: Network, reals: Reals
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND]))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    with Client(network.client, network.vip, rate=100) as client:
        client.wait(50)
    connections = f"kglb_ipvs_service_connections_total{{{LOCAL}}}"
    until(lambda: value(scrape(director), connections) == connections_in_ipvsadm(director) >= 50, "the same count")
    text = scrape(director)
    of_first = f'{{{LOCAL},remote_address="10.2.0.10",remote_port="80"}}'
    assert value(text, f"kglb_ipvs_backend_weight{of_first}") == WEIGHT
    assert (value(text, f"kglb_ipvs_backend_connections_total{of_first}") or 0) >= 20
    assert (value(text, f"kglb_ipvs_backend_outgoing_bytes_total{of_first}") or 0) > 1000
    assert (value(text, "kglb_journal_sync_duration_seconds_count") or 0) > 0
    assert (value(text, "process_open_fds") or 0) > 5
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    reactions = value(text, "kglb_reaction_duration_seconds_count") or 0
    reals.behave("refuse", network.reals[1])
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: 0})
    reals.behave("answer", network.reals[1])
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    counted = "kglb_reaction_duration_seconds_count"
    until(lambda: value(scrape(director), counted) == reactions + 2, "the count of both")
    director.configure(balancer(SERVICE, [SECOND]))
    with in_namespace(director.network.director):
        command("kill", "-HUP", str(director.pid))
    director.wait_weights(SERVICE, {SECOND: WEIGHT})
    until(lambda: "10.2.0.10" not in scrape(director), "the series went")


def test_a_scrape_finds_what_somebody_edited_long_before_the_daemon_looks_again(
    director: Director, network: Network
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND]), reconcile_interval="1h")
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    last = director.last_seq()
    with in_namespace(network.director):
        command("ipvsadm", "-e", "-t", "10.0.0.100:80", "-r", FIRST, "-m", "-w", "7")
    assert f'kglb_ipvs_backend_weight{{{LOCAL},remote_address="10.2.0.10",remote_port="80"}} 7\n' in scrape(director)
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    edit = ChangeDestination(ServiceId(SERVICE), Destination(real=RealId(FIRST), weight=7))
    until(lambda: director.events(DriftFound, last) == [DriftFound(changes=(edit,))], "its record")
