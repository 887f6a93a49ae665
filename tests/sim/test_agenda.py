from sim.agenda import Agenda


def test_what_is_due_first_happens_first_and_time_passes_only_in_between() -> None:
    agenda = Agenda(now=0.0)
    seen: list[object] = []
    agenda.after(2.0, lambda: seen.append(("late", agenda.now)))
    agenda.after(1.0, lambda: agenda.soon(lambda: seen.append(("soon", agenda.now))))
    agenda.after(1.0, lambda: seen.append(("second", agenda.now)))
    agenda.run(until=5.0)
    assert seen == [("soon", 1.0), ("second", 1.0), ("late", 2.0)]
    assert (agenda.now, agenda.steps) == (5.0, 4)


def test_what_is_due_later_waits_for_the_next_run() -> None:
    agenda = Agenda(now=0.0)
    seen: list[object] = []
    agenda.after(2.0, lambda: seen.append(agenda.now))
    agenda.run(until=1.0)
    assert seen == []
    agenda.run(until=3.0)
    assert seen == [2.0]
