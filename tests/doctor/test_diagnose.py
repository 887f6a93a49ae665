"""Which facts are a finding, and what cures it."""

import pytest
from msgspec.structs import replace

from kglb.dataplane.passage import Passage
from kglb.dataplane.routes import Route
from kglb.doctor.diagnose import diagnose
from kglb.doctor.facts import ConfigFile, Disk, Link
from kglb.model import Address, RealId, ServiceId
from tests.doctor.machines import REALS, SERVICE, WELL, configured, found, networked, set_to

PERSISTENT = 'persistence = "6m"'


def test_of_a_machine_that_is_well_there_is_nothing_to_say() -> None:
    assert diagnose(WELL) == []


def test_a_kernel_without_ipvs_is_said_as_the_daemon_says_it() -> None:
    facts = replace(WELL, unavailable="the kernel has no IPVS (module ip_vs)", remedy="sudo modprobe ip_vs")
    assert found(facts).what == "the kernel has no IPVS (module ip_vs)"
    assert found(facts).fix == "modprobe ip_vs"


def test_a_scheduler_that_the_kernel_lacks_is_a_problem() -> None:
    facts = replace(WELL, loaded=frozenset({"ip_vs"}), loadable=frozenset({"ip_vs"}))
    assert found(facts).what == "the kernel has no module ip_vs_wrr"


def test_a_scheduler_that_the_kernel_loads_when_it_is_needed_is_none() -> None:
    assert diagnose(replace(WELL, loaded=frozenset({"ip_vs"}))) == []


def test_a_scheduler_that_nothing_here_can_load_is_a_problem() -> None:
    container = replace(WELL, loaded=frozenset({"ip_vs"}), loadable=None)
    locked = replace(container, loadable=WELL.loadable, sysctls={**WELL.sysctls, "kernel.modules_disabled": 1})
    assert found(container).what.startswith("the module ip_vs_wrr is not loaded, and this machine has no /lib/modules")
    assert found(locked).what == "the module ip_vs_wrr is not loaded, and kernel.modules_disabled is 1"


def test_an_encapsulation_that_is_newer_than_the_kernel_is_a_problem() -> None:
    gue = configured('forward = { type = "gue", port = 6080 }')
    assert found(replace(gue, kernel=(5, 1))).what == "kernel 5.1 cannot forward by gue, which came with 5.2"
    assert diagnose(replace(gue, kernel=(5, 2))) == []


def test_reals_that_came_in_another_order_are_a_note_where_the_scheduler_hashes() -> None:
    hashing = configured(reals=(*REALS, "name.example:80"))
    first, second = map(RealId, REALS)
    resolved = RealId("10.0.0.9:80")
    assert diagnose(replace(hashing, orders={ServiceId(SERVICE): (resolved, first, second)})) == []
    note = found(replace(hashing, orders={ServiceId(SERVICE): (second, first)}))
    assert note.level == "note"
    assert note.what == f"{SERVICE}: the kernel got its reals in another order than the config's"
    assert note.advice.endswith("stop this one with cleanup, and start it again")
    removing = configured('when_down = "remove"')
    assert found(replace(removing, orders={ServiceId(SERVICE): (second, first)})).advice.startswith(
        'if directors share the VIP, set when_down = "quiesce"'
    )


def test_connections_that_are_never_scheduled_anew_are_a_problem_on_every_kernel() -> None:
    assert found(set_to(WELL, conn_reuse_mode=0)).fix == "sysctl -w net.ipv4.vs.conn_reuse_mode=1"


def test_scheduling_them_anew_costs_a_second_only_before_5_9_and_only_with_connection_tracking() -> None:
    tracked = set_to(WELL, conntrack=1)
    whats = [finding.level for finding in diagnose(tracked)]
    assert whats == ["note"]  # that it is tracked at all
    assert diagnose(replace(tracked, kernel=(5, 8)))[0].fix == "sysctl -w net.ipv4.vs.conntrack=0"
    assert diagnose(replace(WELL, kernel=(5, 8))) == []


def test_connections_to_removed_reals_that_hang_are_a_problem() -> None:
    assert found(set_to(WELL, expire_nodest_conn=0)).fix == "sysctl -w net.ipv4.vs.expire_nodest_conn=1"


def test_templates_that_outlive_a_real_matter_to_persistent_services_only() -> None:
    finding = found(configured(PERSISTENT))
    assert finding.fix == "sysctl -w net.ipv4.vs.expire_quiescent_template=1"
    assert finding.why.startswith("web is persistent")
    assert diagnose(set_to(configured(PERSISTENT), expire_quiescent_template=1)) == []


def test_a_connection_tracking_table_that_is_nearly_full_is_a_problem() -> None:
    sysctls = {**WELL.sysctls, "net.netfilter.nf_conntrack_count": 950, "net.netfilter.nf_conntrack_max": 1000}
    assert found(replace(WELL, sysctls=sysctls)).fix == "sysctl -w net.netfilter.nf_conntrack_max=4000"


@pytest.mark.parametrize(("forward", "wrong"), [("masquerade", 1), ("direct", 0), ("tunnel", 0)])
def test_only_masquerading_needs_a_router(forward: str, wrong: int) -> None:
    facts = configured(f'forward = "{forward}"')
    facts = replace(facts, sysctls={**facts.sysctls, "net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0})
    fixes = [finding.fix for finding in diagnose(facts)]
    assert fixes == ["sysctl -w net.ipv4.ip_forward=1"][:wrong]


def test_an_interface_for_vips_that_is_missing_or_down_is_a_problem() -> None:
    facts = configured(head='[data_plane]\nvip_interface = "vips"\n')
    assert found(facts).fix == "ip link add vips type dummy && ip link set vips up"
    assert found(networked(facts, links={"vips": Link(up=False)})).fix == "ip link set vips up"


def test_a_vip_on_lo_that_no_arp_answers_for_is_a_problem_unless_a_route_leads_to_it() -> None:
    silent = {**WELL.sysctls, "net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.eth0.arp_ignore": 0}
    assert found(replace(WELL, sysctls=silent)).fix == "sysctl -w net.ipv4.conf.all.arp_ignore=0"
    routed = configured("announce = {}", head='[bgp]\nengine = "exabgp"\n')
    assert diagnose(replace(routed, sysctls=silent)) == []


def test_a_vip_that_is_on_another_interface_or_machine_is_said() -> None:
    twice = networked(WELL, addresses=WELL.network.addresses | {Address("192.168.100.10/32", "eth0")})
    assert found(twice).fix == "ip address del 192.168.100.10/32 dev eth0"
    stolen = networked(WELL, neighbours=frozenset({"192.168.100.10", "192.168.100.1"}))
    assert found(stolen).what == "another machine answers for the VIP 192.168.100.10 by ARP"


def test_a_real_without_a_route_is_a_problem_and_one_on_this_machine_is_a_note() -> None:
    assert found(replace(WELL, routes={"10.0.0.1": None})).what == "there is no route to 10.0.0.1"
    here = replace(WELL, routes={"10.0.0.2": Route("lo", "10.0.0.2", local=True)})
    assert found(here).level == "note"


def test_what_forbids_checks_through_the_vip_is_said_once_for_each_cure() -> None:
    passage = Passage("10.0.0.9", "net.ipv4.conf.eth0.rp_filter is 1", "sysctl -w net.ipv4.conf.eth0.rp_filter=2")
    assert found(replace(WELL, passages=(passage, passage, Passage("10.0.0.9")))).fix == passage.remedy


@pytest.mark.parametrize("check", ['type = "ping"', 'type = "all", checks = [{ type = "tcp" }, { type = "ping" }]'])
def test_ping_checks_need_leave_to_ping(check: str) -> None:
    facts = configured(check=check)
    assert diagnose(facts) == []
    assert found(replace(facts, may_ping=False)).fix.startswith("sysctl -w net.ipv4.ping_group_range=")
    assert diagnose(replace(WELL, may_ping=False)) == []


@pytest.mark.parametrize(("check", "needed"), [('type = "tcp"', 130), ('type = "tcp", watch = true', 132)])
def test_a_descriptor_for_each_check_under_way_and_each_watched_real(check: str, needed: int) -> None:
    facts = configured(check=check)
    assert diagnose(replace(facts, descriptors=needed)) == []
    assert f"{needed} are needed" in found(replace(facts, descriptors=needed - 1)).what


def test_a_status_address_that_another_program_has_is_a_problem_and_one_that_the_daemon_has_is_none() -> None:
    held = replace(WELL, status_error="address already in use")
    assert found(held).advice.startswith("`ss -ltnp sport = :5678`")
    running = replace(held, daemon=4711)
    assert found(running).what == "a daemon (process 4711) writes this journal"


def test_a_control_group_that_is_not_there_is_a_problem() -> None:
    facts = configured(head='[control]\ngroup = "operators"\n')
    assert diagnose(facts) == []
    assert found(replace(facts, control_group_is_there=False)).fix == "groupadd --system operators"


def test_files_that_others_may_write_or_read_secrets_in_are_problems() -> None:
    def with_file(*, secret: bool, readable: bool, writable: bool) -> list[str]:
        file = ConfigFile(
            path="/etc/kglb/c", holds_secrets=secret, readable_by_others=readable, writable_by_others=writable
        )
        return [finding.fix for finding in diagnose(replace(WELL, files=(file,)))]

    assert with_file(secret=False, readable=True, writable=False) == []
    assert with_file(secret=True, readable=False, writable=False) == []
    assert with_file(secret=True, readable=True, writable=False) == ["chmod o-r /etc/kglb/c"]
    assert with_file(secret=False, readable=True, writable=True) == ["chmod o-w /etc/kglb/c"]


def test_announcing_needs_exabgps_helper() -> None:
    facts = configured("announce = {}", head='[bgp]\nengine = "exabgp"\n')
    assert found(replace(facts, helper_user=None)).what == "no ExaBGP helper at /run/kglb/exabgp.sock"
    assert diagnose(replace(WELL, helper_user=None)) == []


def test_a_helper_of_another_user_is_no_helper_to_the_daemon() -> None:
    facts = configured("announce = {}", head='[bgp]\nengine = "exabgp"\n')
    of_another = found(replace(facts, daemon_user="kglb", helper_user="exabgp"))
    assert of_another.what == "the ExaBGP helper at /run/kglb/exabgp.sock runs as exabgp, but the daemon as kglb"
    assert of_another.advice == "run ExaBGP as kglb; docs/routes.md has a unit that does"
    assert diagnose(replace(facts, daemon_user="kglb", helper_user="kglb")) == []
    assert diagnose(replace(facts, daemon_user="root", helper_user="exabgp")) == []


def _on(**changes: object) -> Disk:
    return replace(WELL.disk, **changes)


def test_a_journal_needs_a_disk_that_is_writable_local_and_large_enough() -> None:
    assert found(replace(WELL, disk=_on(writable=False))).fix == "install -d -m 0750 /var/lib/kglb/journal"
    assert found(replace(WELL, disk=_on(filesystem="nfs4"))).what == "the journal is on nfs4"
    assert found(replace(WELL, disk=_on(filesystem="tmpfs"))).level == "note"
    assert found(replace(WELL, disk=_on(free=500 << 20))).advice.startswith('max_size = "375MiB"')


def test_what_the_journal_has_taken_already_counts_as_its_room() -> None:
    assert diagnose(replace(WELL, disk=_on(free=100 << 20, used=1 << 30))) == []


def test_a_journal_without_bounds_is_a_note() -> None:
    assert found(configured(head='[journal]\nmax_size = "off"\n')).level == "note"


def test_controllers_that_delete_what_is_not_theirs_are_a_problem_and_others_a_note() -> None:
    assert found(replace(WELL, controllers=("kube-proxy",))).level == "problem"
    assert found(replace(WELL, controllers=("keepalived",))).level == "note"


def test_services_of_others_are_listed_but_not_without_end() -> None:
    names = tuple(ServiceId(f"tcp://10.9.0.{number}:80") for number in range(7))
    assert found(replace(WELL, services=names)).what.endswith("tcp://10.9.0.4:80 and 2 more")


def test_a_clock_that_nobody_keeps_is_a_note_and_one_that_does_not_say_is_none() -> None:
    assert found(replace(WELL, synchronised=False)).level == "note"
    assert diagnose(replace(WELL, synchronised=None)) == []


def test_problems_come_before_notes() -> None:
    facts = replace(set_to(WELL, conntrack=1), disk=_on(writable=False))
    assert [finding.level for finding in diagnose(facts)] == ["problem", "note"]


def test_a_machine_in_memory_has_no_kernel_to_be_wrong() -> None:
    facts = configured(head='[data_plane]\nkind = "memory"\n')
    facts = replace(facts, unavailable="no IPVS", controllers=("kube-proxy",), sysctls={"net.ipv4.ip_forward": 0})
    assert diagnose(facts) == []
    assert found(replace(facts, disk=_on(writable=False))).level == "problem"
