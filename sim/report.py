"""What a simulation says about itself: a line each, or, of one that failed, the seed, the first wrong step, and what
led to it.
"""

import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from journal import JournalReader
from kglb.events import decode
from sim.disk import Platter, SimFiles
from sim.process import JOURNAL
from sim.simulation import Plan, Simulation
from sim.violation import Violation
from sim.world import World

LAST = 12
"""Records and faults that are shown of a simulation that failed."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one simulation ended. ``wrong`` is empty if everything was as it should be."""

    seed: int
    wrong: str
    seconds: float
    virtual_seconds: float
    steps: int
    processes: int
    records: int
    digest: str
    kinds: tuple[str, ...] = ()
    story: tuple[str, ...] = field(default=(), repr=False)


def run(plan: Plan, keep: Path | None = None) -> Result:
    """Run one plan; with ``keep`` its journal is written to that directory afterwards."""
    began = time.process_time()
    simulation = Simulation(plan)
    world = simulation.world
    wrong = ""
    try:
        simulation.run()
    except Violation as violation:
        wrong = str(violation)
    except Exception:
        wrong = f"at {world.now:.3f} s, step {world.agenda.steps}: {traceback.format_exc()}"
    if keep is not None:
        write_journal(world.platter, keep)
    recorder = world.process.recorder
    return Result(
        seed=plan.seed,
        wrong=wrong,
        seconds=time.process_time() - began,
        virtual_seconds=world.now - simulation.began,
        steps=world.agenda.steps,
        processes=world.processes,
        records=0 if recorder is None else recorder.last_seq,
        digest=world.platter.digest(),
        kinds=tuple(simulation.story.kinds),
        story=(*_story(world), *_last_records(world)) if wrong else (),
    )


def run_all(plans: list[Plan], jobs: int) -> Iterator[Result]:
    """Run plans on so many processes; results come in the order of the plans."""
    if jobs == 1:
        yield from map(run, plans)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, plans, chunksize=10)


def line(result: Result) -> str:
    """One line about a simulation."""
    how = "ok" if not result.wrong else "WRONG"
    return (
        f"seed {result.seed}: {how}, {result.virtual_seconds / 60:.1f} virtual minutes in {result.seconds:.2f} s, "
        f"{result.steps} steps, {result.processes} processes, {result.records} records, {result.digest[:16]}"
    )


def details(result: Result) -> str:
    """What led to the first wrong step."""
    return "\n".join((f"seed {result.seed}, {result.wrong}", *result.story))


def write_journal(platter: Platter, directory: Path) -> None:
    """Write what the simulated disk holds to a real one, for the tools that read journals."""
    directory.mkdir(parents=True, exist_ok=True)
    for path, file in platter.files.items():
        if path.suffix != ".lock":
            (directory / path.name).write_bytes(bytes(file.bytes))


def _story(world: World) -> list[str]:
    return ["what went wrong in the world:", *(f"  {when:9.3f}  {what}" for when, what in world.log[-LAST:])]


def _last_records(world: World) -> list[str]:
    files = SimFiles(world.platter, world.process.loop)
    reader = JournalReader(JOURNAL, decode, files=files, on_damage=lambda damaged: None)
    segments = reader.segments()
    if not segments:
        return []
    records = list(reader.records(segments[-1].first_seq))[-LAST:]
    lines = [
        f"  {record.seq:6} <- {record.cause or '':<6} {record.mono:9.3f}  {record.event}"[:300] for record in records
    ]
    return ["the last records on the disk:", *lines]
