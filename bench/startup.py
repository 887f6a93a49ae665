"""What a verb costs before it does anything, in ms of CPU, Python's own start in it: ``python -m bench.startup``.

``VERB --help`` imports the verb and whatever it needs to read its arguments. The least of some rounds is what it takes;
the rest is the machine's other work. Bytecode is compiled first, as it is wherever a package is installed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile

from kglb.cli.main import VERBS

COMMAND = [sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())"]


def with_bytecode(directory: str) -> dict[str, str]:
    """The environment in which Python keeps what it compiles in a directory, and uses it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": directory}


def cost(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of CPU until a command has ended."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="(default: %(default)s)")
    rounds = parser.parse_args().rounds
    commands = {"(python -c pass)": [sys.executable, "-c", "pass"], "--help": [*COMMAND, "--help"]}
    commands |= {verb: [*COMMAND, verb, "--help"] for verb in VERBS if verb != "exabgp-helper"}
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as directory:
        environment = with_bytecode(directory)
        for name, command in commands.items():
            least = min(cost(command, environment) for _ in range(rounds + 1))
            print(f"{name:<18}{least * 1000:>5.0f} ms of CPU", flush=True)


if __name__ == "__main__":
    main()
