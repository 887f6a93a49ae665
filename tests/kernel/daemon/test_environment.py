"""What the daemon says where it is not allowed to do its work."""

from tests.kernel.director import Director, balancer


def test_without_the_capability_the_daemon_says_which_one_and_ends_with_3(director: Director) -> None:
    director.configure(balancer("tcp://10.0.0.100:80", ["10.2.0.10:80"]))
    director.launch("setpriv", "--bounding-set", "-net_admin")
    assert director.wait() == 3
    said = director.log.read_text()
    assert "error: IPVS needs the capability CAP_NET_ADMIN\n" in said
    assert "sudo, or AmbientCapabilities=CAP_NET_ADMIN in the service's unit" in said
    assert not director.journal.exists()
    assert director.saved() == {}
