"""``python -m lab.reenact DIRECTORY``: a drill's journal is played into a kernel that has nothing, and what it
then holds is compared with what the drill's own kernel held. Runs in the lab. Exit status 0: the same; 1: not so.
"""

import sys
from pathlib import Path

import msgspec

from lab.drill import ACCOUNT, Account, addresses
from lab.drill import JOURNAL as PLACE
from lab.incident import JOURNAL, ask, placed
from lab.namespaces import command, in_namespace
from lab.narration import Narrator
from lab.net import Network


def main(directory: Path) -> int:
    """Play and compare; returns the exit status."""
    narrator = Narrator()
    journal = directory / PLACE
    account = msgspec.json.decode((directory / ACCOUNT).read_bytes(), type=Account)
    question = ("replay", JOURNAL, "--into", "ipvs")
    narrator.heading("The kernel again")
    narrator.command("kglb-actors", *placed(question, journal))
    with Network(reals=0) as network, in_namespace(network.director):
        try:
            narrator.quote(ask(question, journal).splitlines()[-1:])
        except RuntimeError as error:
            narrator.claim(str(error), holds=False)
        kernel, found = command("ipvsadm", "-Sn"), addresses()
    narrator.command("ipvsadm", "-Sn")
    narrator.quote(kernel.splitlines())
    narrator.claim(
        "ipvsadm -Sn and ip address print what they printed where it happened",
        holds=_lines(kernel) == _lines(account.kernel) != [] and found == account.addresses,
    )
    return 1 if narrator.broken else 0


def _lines(text: str) -> list[str]:
    """The lines in an order of their own: that of the kernel's hash tables means nothing."""
    return sorted(text.splitlines())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
