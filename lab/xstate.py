"""On processors with AMX the lab's kernel needs a helping hand: ``xstate.c`` says which, and why. Nothing elsewhere.

``python -m lab.xstate DIRECTORY`` makes it there and prints the environment to start the kernel in, for scripts.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from lab.job import LabError

SOURCE = Path(__file__).with_name("xstate.c")
COMPILER = "gcc"


def is_wide(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor has more registers than the lab's kernel can set."""
    flags = next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "")
    return "amx_tile" in flags.split()


def preload(directory: Path) -> dict[str, str]:
    """The environment in which the kernel can run here; what that takes is made in ``directory``.

    Raises LabError where it cannot be made.
    """
    if not is_wide():
        return {}
    if shutil.which(COMPILER) is None:
        raise LabError(f"this processor has AMX, for which the lab's kernel needs {COMPILER}: run `make setup`")
    library = directory / "xstate.so"
    made = subprocess.run(
        [COMPILER, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise LabError(f"{COMPILER} cannot make {SOURCE.name} (libc6-dev missing?): {made.stderr.strip()}")
    return {"LD_PRELOAD": str(library)}


if __name__ == "__main__":
    print(*(f"{name}={value}" for name, value in preload(Path(sys.argv[1])).items()))
