"""keepalived and we, with what ``convert`` makes of its config: the kernel has the same services and weights."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab.ipvs import SavedService, saved
from lab.namespaces import command, in_namespace, spawn
from lab.net import Network
from tests.kernel.director import Director, until

VERB = (sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())")

CONFIG = """
virtual_server_group pages {{
    10.99.0.10-11 80
    fwmark 7
}}
virtual_server group pages {{
    protocol TCP
    delay_loop 2
    lvs_sched wrr
    lvs_method NAT
    persistence_timeout 50
    alpha
    real_server {reals[0]} 80 {{
        weight 3
        TCP_CHECK {{
            connect_timeout 1
            retry 0
        }}
        TCP_CHECK {{
            connect_port 7
            connect_timeout 1
            retry 0
        }}
    }}
    real_server {reals[1]} 80 {{
        weight 1
        TCP_CHECK {{
            connect_timeout 1
            retry 0
        }}
        TCP_CHECK {{
            connect_port 7
            connect_timeout 1
            retry 0
        }}
    }}
}}
virtual_server 10.99.0.12 80 {{
    protocol TCP
    delay_loop 1
    lvs_sched mh
    mh-port
    mh-fallback
    lvs_method DR
    inhibit_on_failure
    alpha
    real_server {reals[0]} 80 {{
        lvs_method TUN type gre csum
        uthreshold 90
        TCP_CHECK {{
            connect_timeout 1
            retry 0
        }}
    }}
    real_server {reals[2]} 80 {{
        weight 2
        TCP_CHECK {{
            connect_timeout 1
            retry 0
        }}
    }}
}}
virtual_server 10.99.0.13 53 {{
    protocol UDP
    ops
    delay_loop 1
    real_server {reals[1]} 53 {{
    }}
}}
"""


def complete(found: dict[str, SavedService], expected: int) -> dict[str, SavedService] | None:
    """The same once so many reals have a weight: under ``inhibit_on_failure`` keepalived adds them at 0 at first."""
    up = sum(real["-w"] != "0" for service in found.values() for real in service.reals.values())
    return found if up == expected else None


def of_keepalived(network: Network, directory: Path, expected: int) -> dict[str, SavedService]:
    """What the kernel has once keepalived has brought so many reals up; nothing afterwards."""
    pids = [f"--{kind}pid={directory / kind}pid" for kind in ("", "checkers_")]
    argv = [
        "keepalived",
        "--check",
        "--dont-fork",
        "--log-console",
        "--log-detail",
        f"--use-file={directory / 'keepalived.conf'}",
        *pids,
    ]
    with (
        (directory / "keepalived.log").open("wb") as log,
        spawn(network.director, argv, stdout=log.fileno(), stderr=log.fileno()),
        in_namespace(network.director),
    ):
        found = until(lambda: complete(saved(), expected), "everything up by keepalived")
    with in_namespace(network.director):
        command("ipvsadm", "-C")
    return found


@pytest.mark.usefixtures("reals")
def test_the_kernel_has_what_keepalived_gave_it(network: Network, director: Director, tmp_path: Path) -> None:
    config = tmp_path / "keepalived.conf"
    config.write_text(CONFIG.format(reals=[real.address for real in network.reals]))
    before = of_keepalived(network, tmp_path, 9)
    argv = [*VERB, "convert", "keepalived", str(config)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    director.configure(ran.stdout)
    director.start()
    until(lambda: director.saved() == before, lambda: f"that {director.saved()} is {before}")
    assert director.stop() == 0
