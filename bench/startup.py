"""What a verb costs before it does anything, in ms of CPU, Python's own start in it: ``python -m bench.startup``.

``VERB --help`` imports the verb and whatever it needs to read its arguments; the daemon is measured until it runs, on a
machine that is only memory. The least of some rounds is what it takes; the rest is the machine's other work. Bytecode
is compiled first, as it is wherever a package is installed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from kglb.cli.main import VERBS

CONFIG = """
data_plane = {{ kind = "memory" }}
journal = {{ directory = "{directory}/journal" }}
control = {{ socket = "{directory}/control" }}

[[balancer]]
name = "web"
service = "tcp://192.0.2.10:80"
reals = ["127.0.0.1:9"]
check = {{ type = "tcp" }}
"""

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


def cost_of_daemon(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of CPU until the daemon runs, and its resident memory then, in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as directory:
        config = Path(directory) / "config.toml"
        config.write_text(CONFIG.format(directory=directory))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with subprocess.Popen([*COMMAND, "run", str(config)], env=environment, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            if not any(b'"running"' in line for line in process.stderr):
                raise SystemExit(f"the daemon ended with {process.wait()}: is another one on its status address?")
            status = Path(f"/proc/{process.pid}/status").read_text()
            process.kill()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (resident,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(resident.split()[1]) / 1024


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
        starts = [cost_of_daemon(environment) for _ in range(rounds + 1)]
        cpu, resident = (min(figures) for figures in zip(*starts, strict=True))
        print(f"{'run, until it runs':<18}{cpu * 1000:>5.0f} ms of CPU, {resident:.1f} MB resident")


if __name__ == "__main__":
    main()
