"""Random services, destinations and operations, from pools so small that entries meet and operations fail."""

from hypothesis import strategies as st

from kglb.model import (
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteDestination,
    DeleteService,
    Destination,
    Forward,
    Operation,
    RealId,
    Service,
    ServiceId,
    parse_service,
)

SERVICES = tuple(
    map(
        ServiceId,
        (
            "tcp://192.0.2.10:80",
            "udp://192.0.2.10:80",
            "tcp://192.0.2.10:0",
            "tcp://[2001:db8::10]:80",
            "udp://[2001:db8::10]:53",
            "fwmark://10",
            "fwmark6://10",
            "fwmark://2147483647",
        ),
    )
)
REALS = tuple(
    map(
        RealId,
        (
            "10.1.0.1:80",
            "10.1.0.1:0",
            "10.1.0.2:65535",
            "127.0.0.1:80",
            "224.0.0.1:80",
            "[2001:db8:1::1]:80",
            "[2001:db8:1::2]:0",
            "[64:ff9b::a01:1]:80",
            "[::a01:1]:80",
            "[::1]:80",
            "[fe80::1]:80",
        ),
    )
)
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh")
"""Those that Debian builds; it leaves out twos."""

forwards = st.one_of(
    st.sampled_from([Forward("masquerade"), Forward("direct"), Forward("local")]),
    st.just(Forward("tunnel")),
    st.builds(
        Forward,
        st.just("tunnel"),
        st.just("gue"),
        st.integers(1, 65535),
        st.sampled_from(["none", "csum", "remcsum"]),
    ),
    st.builds(Forward, st.just("tunnel"), st.just("gre"), st.just(0), st.sampled_from(["none", "csum"])),
)


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Services that the rules allow; one in a few asks for a scheduler or an engine that does not exist."""
    service_id = draw(st.sampled_from(SERVICES))
    key = parse_service(service_id)
    flags = {"one-packet", "flag-1", "flag-2", "flag-3"} - ({"one-packet"} if key.protocol == "tcp" else set())
    everywhere = key.protocol != "fwmark" and key.port == 0
    return Service(
        id=service_id,
        scheduler=draw(st.sampled_from((*SCHEDULERS, "none", "missing"))),
        flags=tuple(sorted(draw(st.sets(st.sampled_from(sorted(flags)))))),
        persistence=draw(st.sampled_from((1, 300, 2678400) if everywhere else (0, 1, 300, 2678400))),
        netmask=draw(st.integers(0, 128 if key.ipv6 else 32)),
        engine=draw(st.sampled_from(("", "", "", "sip", "missing"))),
    )


@st.composite
def destinations(draw: st.DrawFn) -> Destination:
    """Destinations that the rules allow; their thresholds may contradict each other."""
    return Destination(
        real=draw(st.sampled_from(REALS)),
        weight=draw(st.integers(0, 65535)),
        forward=draw(forwards),
        upper=draw(st.sampled_from((0, 0, 1, 1000, 2**32 - 1))),
        lower=draw(st.sampled_from((0, 0, 1, 1000))),
    )


operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(AddService, services()),
    st.builds(ChangeService, services()),
    st.builds(DeleteService, st.sampled_from(SERVICES)),
    st.builds(AddDestination, st.sampled_from(SERVICES), destinations()),
    st.builds(ChangeDestination, st.sampled_from(SERVICES), destinations()),
    st.builds(DeleteDestination, st.sampled_from(SERVICES), st.sampled_from(REALS)),
)
