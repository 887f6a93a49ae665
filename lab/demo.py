"""``python -m lab.demo DIRECTORY``: a load balancer, its reals and their failures, told as they happen.

Runs in the lab (``python -m lab run``) and uses the product as its users do: the daemon and the verbs are
processes, the traffic is real, and each number that is printed was measured. Whatever it claims it checks:
the exit status is 1 when something that it claims did not happen. It leaves the journal, what was asked of
it, and the daemon's log in DIRECTORY, for ``lab.incident``.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab import ipvs
from lab.incident import JOURNAL, Question, ask, keep, placed
from lab.namespaces import command, in_namespace
from lab.narration import Narrator
from lab.net import Network
from lab.reals import HTTP_ONLY, Reals
from lab.stage import CONFIG, PATIENCE, RATE, SERVICE, Stage

WEIGHTS = {"real0": 1000, "real1": 1000, "real2": 500}
"""What the config gives each real, by its name in the network."""

REASON = re.compile(r"has weight 0\b.*refused")
LOG = "daemon.log"

SLACK = 0.05
"""How far a real's share of the requests may be from its share of the weights."""


@dataclass(frozen=True)
class Outage:
    """A real died at ``begun`` and had weight 0 from ``drained`` on (monotonic seconds), so too at ``moment``."""

    begun: float
    drained: float
    moment: str


def introduce(stage: Stage) -> None:
    """Say what is there before the daemon is."""
    narrator = stage.narrator
    narrator.heading("1. A load balancer in miniature")
    narrator.say(
        f"Linux {os.uname().release} with IPVS, and in it a client, a director and three web servers (the reals), "
        "each in a network namespace of its own. The client only knows the virtual address (VIP); the kernel of "
        "the director passes each connection on to a real. kglb-actors decides which, and by what weight."
    )
    reals = [f"{real.name}  {real.address}:80   weight {WEIGHTS[real.name]}" for real in stage.network.reals]
    narrator.quote(
        [
            f"{'':36}+-->  {reals[0]}",
            f"client  --->  VIP {stage.network.vip}:80  ---+-->  {reals[1]}",
            f"{'':36}+-->  {reals[2]}",
        ]
    )


def start(stage: Stage) -> None:
    """Wait until the daemon has put every real to work."""
    narrator = stage.narrator
    narrator.heading("2. The daemon starts")
    narrator.command("kglb-actors", "run", CONFIG)
    took = stage.wait(lambda: stage.weights.now == WEIGHTS, "every real had its weight in the kernel")
    with in_namespace(stage.network.director):
        shown = command("ipvsadm", "-Ln")
    narrator.gap()
    narrator.say("A real gets traffic once three checks have passed. Now the director's kernel has (ipvsadm -Ln):")
    narrator.quote(shown.splitlines())
    narrator.claim(f"every real had its weight in the kernel {took:.1f} s after the start", holds=True)


def spread(stage: Stage) -> None:
    """Watch healthy reals share the traffic."""
    narrator = stage.narrator
    narrator.heading("3. Traffic")
    narrator.say(
        f"The client asks the VIP {RATE:g} times a second, each time on a new connection. Each row is a second; each "
        "# is about four requests that the real answered."
    )
    since = time.monotonic()
    stage.watch(3)
    stage.wait_for_requests(since)
    answered, failures = stage.client.answered(since), stage.client.failures(since)
    total = answered.total()
    shares = {name: answered[name] / max(total, 1) for name in WEIGHTS}
    fair = all(abs(shares[name] - weight / 2500) <= SLACK for name, weight in WEIGHTS.items())
    said = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    narrator.claim(f"shares follow the weights 1000 : 1000 : 500: {said}", holds=fair)
    narrator.claim(f"{total} requests, {len(failures)} failed", holds=total > 0 and not failures)


def lose_a_real(stage: Stage) -> Outage:
    """Take one real away for good, and see the others take over."""
    narrator, victim = stage.narrator, stage.network.reals[1]
    narrator.heading("4. A real dies")
    narrator.say(
        "real1 dies as a killed process does: its connections are reset, its port is closed. Its next two checks are "
        "refused, which is what fall = 2 in the config asks for, and its weight becomes 0."
    )
    begun, at = time.monotonic(), stamp()
    stage.reals.behave("dead", victim)
    stage.watch(5, note="real1 killed", until=lambda: not stage.weights.now[victim.name])
    drained = stage.weights.reached(victim.name, 0, begun)
    stage.wait_for_requests(drained)
    why = ("explain", victim.address, "--journal", JOURNAL)
    stage.wait(lambda: REASON.search(ask(why, stage.journal)) is not None, "the journal had weight 0 for real1")
    moment = stamp()
    failures, late = stage.client.failures(begun - stage.client.timeout), stage.client.failures(drained)
    others = stage.client.answered(drained)
    narrator.claim(f"from the kill to weight 0 in the kernel: {drained - begun:.2f} s", holds=True)
    narrator.claim(
        f"{len(failures) - len(late)} requests failed in that time; of the {others.total() + len(late)} since, "
        f"{len(late)} failed, and {' and '.join(sorted(others))} answered",
        holds=not late and set(others) == {"real0", "real2"},
    )
    narrator.gap()
    narrator.say("Why? The journal has it, each fact on a line:")
    tell(stage, ("tail", "--since", at, f"real={victim.address}", "--journal", JOURNAL))
    return Outage(begun, drained, moment)


def bring_it_back(stage: Stage) -> None:
    """Let the real answer again."""
    narrator, victim = stage.narrator, stage.network.reals[1]
    narrator.heading("5. It comes back")
    narrator.say("real1 answers again. Three checks in a row must pass (rise = 3) before it gets traffic.")
    begun = time.monotonic()
    stage.reals.behave("answer", victim)
    stage.watch(4, note="real1 started", until=lambda: stage.weights.now == WEIGHTS)
    back = stage.weights.reached(victim.name, WEIGHTS[victim.name], begun)
    stage.wait_for_requests(back)
    failures, answered = stage.client.failures(begun), stage.client.answered(back)
    narrator.claim(f"real1 had its weight again after {back - begun:.2f} s", holds=True)
    narrator.claim(
        f"it has answered {answered['real1']} requests since; {len(failures)} requests failed",
        holds=not failures and answered["real1"] > 0,
    )


def lose_the_daemon(stage: Stage, daemon: subprocess.Popen[bytes]) -> None:
    """Kill the daemon itself, with no chance to clean up."""
    stage.narrator.heading("6. The daemon dies")
    stage.narrator.say(
        "kill -9, and another one is started. The kernel goes on without it. The new daemon reads the journal and the "
        "kernel, finds that they agree, and goes on where the old one ended."
    )
    daemon.kill()
    daemon.wait()


def resume(stage: Stage, begun: float, at: str) -> None:
    """See another daemon take over from the one that was killed at ``begun``."""
    narrator = stage.narrator
    stage.watch(3, note="daemon killed")
    stage.wait(stage.healthy, "the new daemon was ready")
    changes, failures = stage.weights.since(begun), stage.client.failures(begun)
    narrator.claim(
        f"the new daemon is ready, {len(changes)} weights have changed, and {len(failures)} of "
        f"{len(stage.client.samples(begun))} requests have failed",
        holds=not failures and not changes,
    )
    narrator.gap()
    narrator.say("The journal, asked what the new daemon found in the kernel and what it changed there:")
    tell(stage, ("tail", "--since", at, "type=Adopted", "type=OperationsApplied", "--journal", JOURNAL))


def stop(stage: Stage, daemon: subprocess.Popen[bytes], outage: Outage) -> None:
    """Stop the daemon as an operator does."""
    narrator = stage.narrator
    narrator.heading("7. A graceful stop, and the question afterwards")
    begun = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    status = daemon.wait(timeout=PATIENCE)
    took = time.monotonic() - begun
    with in_namespace(stage.network.director):
        services, addresses = ipvs.table(), command("ip", "-o", "address", "show")
    left = [what for what, held in ((SERVICE, services), (stage.network.vip, addresses)) if what in held]
    narrator.claim(
        f"SIGTERM: exit status {status} after {took:.2f} s; left in the kernel: {' and '.join(left) or 'nothing'}",
        holds=status == 0 and not left,
    )
    failures = stage.client.failures()
    narrator.claim(
        f"in all {len(stage.client.samples())} requests; {len(failures)} failed, each before real1 was drained",
        holds=all(outage.begun - stage.client.timeout <= sample.at < outage.drained for sample in failures),
    )


def question_the_journal(stage: Stage, outage: Outage, directory: Path) -> None:
    """Ask why, afterwards; and keep journal and answers for another machine."""
    narrator, victim = stage.narrator, stage.network.reals[1]
    explain = ("explain", victim.address, "--at", outage.moment, "--journal", JOURNAL)
    replay = ("replay", JOURNAL)
    narrator.gap()
    narrator.say("The service is gone. Why had real1 weight 0 at the time of its outage?")
    answer = tell(stage, explain)
    narrator.claim("the answer names the weight and the reason", holds=REASON.search(answer) is not None)
    keep(stage.journal, directory, [(*replay, "--until", outage.moment), explain, replay])


def tell(stage: Stage, question: Question) -> str:
    """Ask the journal, show the command and what it says; returns that."""
    stage.narrator.command("kglb-actors", *placed(question, stage.journal))
    answer = ask(question, stage.journal)
    stage.narrator.quote(answer.splitlines())
    return answer


def stamp() -> str:
    """The time now, as the verbs take it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def play(stage: Stage, directory: Path) -> None:
    """All scenes, in their order."""
    introduce(stage)
    with stage.daemon() as first:
        start(stage)
        with ExitStack() as asking:
            asking.enter_context(stage.client)
            spread(stage)
            outage = lose_a_real(stage)
            bring_it_back(stage)
            begun, at = time.monotonic(), stamp()
            lose_the_daemon(stage, first)
            with stage.daemon() as second:
                resume(stage, begun, at)
                asking.close()
                stop(stage, second, outage)
    question_the_journal(stage, outage, directory)


def main(directory: Path) -> int:
    """Play; returns the exit status."""
    narrator = Narrator()
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / LOG
    log.unlink(missing_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="kglb-demo-") as scratch,
        Network(reals=3) as network,
        Reals(network, HTTP_ONLY) as reals,
    ):
        try:
            play(Stage(network, reals, narrator, Path(scratch) / "journal", log), directory)
        except (TimeoutError, RuntimeError, subprocess.TimeoutExpired) as error:
            narrator.claim(str(error), holds=False)
    return 1 if narrator.broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
