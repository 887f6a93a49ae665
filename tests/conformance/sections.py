"""KgLb's cases, by the sections of its packages. A case is held by a test that names it unless it stands here."""

from tests.conformance.cases import Section, numbers

_NAMES = "actors/test_names.py::"
_PLAN = "projections/test_plan.py::"
_CONTRACT = "dataplane/contract.py::"

HEALTH = Section("A. Health of one real", numbers("1-2 4-5 7-8"), {}, {})

HEALTH_MANAGER = Section(
    "B. Health of a balancer's reals",
    numbers("1-12 14-20"),
    elsewhere={
        "B4": "actors/test_probes.py::test_an_unknown_outcome_counts_neither_way",  # KgLb counts it as a failure
        "B5": "actors/test_daemon.py::test_ten_thousand_reals_that_fail_together_make_few_decisions",
        "B7": "projections/test_fleet.py::test_runs_encode_every_probe",
        "B12": "projections/test_fleet.py::test_alive_and_total_follow_the_reals",
    },
    not_applicable={
        "B1": "no discovery of KgLb's disables an entry: its static one enables all",
        "B6": "the reals are in the config, so there is no time before they are known, and no empty list (G6)",
        "B9": "a lookup in a Go slice; here reals are a dict by address and port",
        "B10": "a lookup in a Go slice; here reals are a dict by address and port",
        "B11": "the log text of a Go slice; here each change of health is an event with a sentence of its own",
        "B14": "how a Go worker pool splits its tasks; here each real has its own timer",
        "B15": "how a Go worker pool is cancelled; here a probe is cancelled alone",
        "B16": "a Go channel; here the config is handed over whole",
        "B17": "the order of hosts means nothing here (B18)",
        "B19": "field by field equality of a Go struct",
    },
)

BALANCER = Section(
    "C. Weights, failsafe, updates",
    numbers("1-6 8-11"),
    elsewhere={
        "C4": "actors/test_names.py::test_a_name_that_stops_resolving_keeps_its_last_good_address_over_a_restart_too"
    },
    not_applicable={
        "C3": "which Go channels are closed; that nothing is left of a stopped actor is asserted wherever one stops",
        "C11": "no discovery of KgLb's disables an entry: its static one enables all",
    },
)

FWMARKS = Section("D. Firewall marks", numbers("1-14"), {}, {})

ROUTES = Section(
    "E. Routes, all balancers together",
    numbers("1-5 7-17"),
    elsewhere={},
    not_applicable={"E16": "a callback that nothing in the open KgLb sets; here /healthz says when the start is done"},
)

DATA_PLANE = Section(
    "F. Data plane",
    numbers("1-7 9-17 19-21"),
    elsewhere={
        "F1": _PLAN + "test_whatever_happens_what_is_planned_leads_to_what_is_desired",
        "F2": _PLAN + "test_whatever_happens_what_is_planned_leads_to_what_is_desired",
        "F4": _PLAN + "test_another_scheduler_is_a_change_in_place_where_kglb_deletes_and_adds",
        "F5": "actors/test_reload.py::test_changing_one_of_a_thousand_reals_touches_one",
        "F6": _PLAN + "test_adopting_what_is_as_it_should_be_needs_no_operation",
        "F9": _CONTRACT + "test_every_forwarding_reads_back",
        "F13": _CONTRACT + "test_every_kind_of_key_names_its_service_and_no_other",
        "F19": _CONTRACT + "test_a_refused_address_says_why_and_changes_nothing",
        "F20": "dataplane/test_ipvs_codec.py::test_flags_without_a_name_stay_visible",
    },
    not_applicable={
        "F16": "a hook for other shutdowns that nothing in the open KgLb sets; here on_stop says what a stop does",
        "F21": "a cache of names for what the kernel lists; here the journal knows which name each address had",
    },
)

VALIDATION = Section(
    "G. Validation",
    numbers("1-3 5-10"),
    elsewhere={},
    not_applicable={
        "G7": "link addresses are not configured: they follow from the services, each once (E15)",
        "G8": "a state of the data plane as a file, which nothing in the open KgLb reads",
    },
)

CHECKS = Section(
    "H. Checks",
    numbers("1-4 6-12"),
    elsewhere={},
    not_applicable={},
)

SECTIONS = {
    "A": HEALTH,
    "B": HEALTH_MANAGER,
    "C": BALANCER,
    "D": FWMARKS,
    "E": ROUTES,
    "F": DATA_PLANE,
    "G": VALIDATION,
    "H": CHECKS,
}
