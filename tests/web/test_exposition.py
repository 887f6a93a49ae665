from collections.abc import Iterator

from kglb.web.exposition import Family, Sample, by_label, counter, escape, gauge, lines, single
from tests.web.builders import read


def test_a_family_is_its_help_its_type_and_a_line_for_each_sample() -> None:
    family = gauge("kglb_reals", "Reals.", by_label("balancer", {"web": 3, "dns": 2}))
    assert "".join(lines([family])) == (
        "# HELP kglb_reals Reals.\n"
        "# TYPE kglb_reals gauge\n"
        'kglb_reals{balancer="dns"} 2\n'
        'kglb_reals{balancer="web"} 3\n'
    )


def test_any_label_comes_back_as_it_was() -> None:
    nasty = 'a "quoted"\nname \\ with {braces}, größer \\n'
    reading = read([gauge("kglb_x", "X.", by_label("name", {nasty: 1}))])
    assert reading.value("kglb_x", name=nasty) == 1


def test_a_plain_label_is_left_as_it_is() -> None:
    assert escape("tcp://[2001:db8::1]:80") == "tcp://[2001:db8::1]:80"


def test_the_kinds_are_those_prometheus_reads() -> None:
    reading = read(
        [
            counter("kglb_events_total", "Events.", single(12)),
            gauge("kglb_ratio", "Ratio.", single(1 / 3)),
            Family("kglb_apply_seconds", "summary", "Time.", [("_sum", 0.5), ("_count", 4)]),
        ]
    )
    assert reading.families["kglb_events"].type == "counter"
    assert reading.families["kglb_apply_seconds"].type == "summary"
    assert reading.value("kglb_events_total") == 12
    assert reading.value("kglb_ratio") == 1 / 3
    assert reading.value("kglb_apply_seconds_sum") == 0.5
    assert reading.value("kglb_apply_seconds_count") == 4


def test_lines_are_made_only_as_they_are_asked_for() -> None:
    asked = []

    def samples() -> Iterator[Sample]:
        for number in range(3):
            asked.append(number)
            yield f'{{n="{number}"}}', number

    source = lines([gauge("kglb_x", "X.", samples())])
    next(source)
    next(source)
    assert asked == [0]
