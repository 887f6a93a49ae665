"""The witnesses read what ipvsadm and the kernel print, for every kind of service."""

from lab.ipvs import Counts, SavedService, parse_saved, parse_table

SAVED = """\
-A -t 10.0.0.1:80 -s mh -p 360 -M 255.255.255.0 -b mh-fallback,mh-port
-a -t 10.0.0.1:80 -r 10.0.0.2:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 10.0.0.1:80 -r 10.0.0.3:80 -m -w 0
-A -u [fd00::1]:53 -s wlc -o
-A -f 5 -6 -s wlc
-a -f 5 -6 -r [fd00::3]:0 -g -w 65535
-A -f 6 -s wlc
"""

TABLE = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
UDP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0035 wlc ops
TCP  0A000001:0050 mh  persistent 36000 FFFFFF00
  -> 0A000002:0050      Tunnel  1      0          7
  -> 0A000003:1F90      Masq    0      12         0
FWM  00000010 wlc
  -> [fd00:0000:0000:0000:0000:0000:0000:0003]:0000      Route   65535  0          0
"""


def test_saved_services_keep_every_option() -> None:
    services = parse_saved(SAVED)
    assert list(services) == ["tcp://10.0.0.1:80", "udp://[fd00::1]:53", "fwmark6://5", "fwmark://6"]
    assert services["udp://[fd00::1]:53"] == SavedService({"-s": "wlc", "-o": ""})
    assert services["tcp://10.0.0.1:80"].options == {
        "-s": "mh",
        "-p": "360",
        "-M": "255.255.255.0",
        "-b": "mh-fallback,mh-port",
    }


def test_saved_reals_keep_every_option() -> None:
    services = parse_saved(SAVED)
    assert services["tcp://10.0.0.1:80"].reals == {
        "10.0.0.2:80": {
            "forward": "tunnel",
            "-w": "1",
            "--tun-type": "gue",
            "--tun-port": "6080",
            "--tun-nocsum": "",
        },
        "10.0.0.3:80": {"forward": "masquerade", "-w": "0"},
    }
    assert services["fwmark6://5"].reals == {"[fd00::3]:0": {"forward": "direct", "-w": "65535"}}


def test_the_kernels_table_gives_weights_and_connections() -> None:
    assert parse_table(TABLE) == {
        "udp://[fd00::1]:53": {},
        "tcp://10.0.0.1:80": {
            "10.0.0.2:80": Counts("tunnel", weight=1, active=0, inactive=7),
            "10.0.0.3:8080": Counts("masquerade", weight=0, active=12, inactive=0),
        },
        "fwmark://16": {"[fd00::3]:0": Counts("direct", weight=65535, active=0, inactive=0)},
    }


def test_an_empty_table_has_no_services() -> None:
    assert parse_saved("") == {}
    assert parse_table("".join(TABLE.splitlines(keepends=True)[:3])) == {}
