"""An incident from a journal happens again in a real kernel, as ipvsadm and ip see it."""

import json
from pathlib import Path

import pytest

from kglb.cli.main import main
from kglb.events import DaemonStopping, DriftFound
from kglb.model import DeleteDestination
from lab.ipvs import table
from lab.namespaces import command, in_namespace
from lab.net import Network
from tests.projections.builders import WEB, real_id
from tests.replay.journals import Fleet, running


@pytest.fixture
def incident(tmp_path: Path) -> Fleet:
    """One real goes down, a stranger deletes another, the daemon cleans up."""
    fleet = running(tmp_path / "journal")
    fleet.goes(real_id(0), up=False)
    fleet.builder.record(DriftFound(changes=(DeleteDestination(WEB, real_id(2)),)))
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    fleet.apply()
    return fleet


def test_the_kernel_ends_as_the_journal_says(
    network: Network, incident: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    drift = incident.builder.seq - 2
    play = ["replay", str(incident.builder.directory), "--into", "ipvs", "-o", "json"]
    with in_namespace(network.director):
        assert main([*play, "--seq", str(drift)]) == 0
        assert {real: held.weight for real, held in table()[WEB].items()} == {real_id(0): 0, real_id(1): 1000}
        assert "192.168.100.10/32" in command("ip", "-brief", "address", "show", "dev", "lo")
        assert main(play) == 3
        command("ipvsadm", "-C")
        command("ip", "address", "flush", "dev", "lo", "scope", "global")
        assert main(play) == 0
        assert table() == {}
        assert "192.168.100.10/32" not in command("ip", "-brief", "address", "show", "dev", "lo")
    first, last = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert (first["same"], first["refused"], last["same"], last["refused"]) == (True, [], True, [])
