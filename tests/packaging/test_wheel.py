"""What `pip install` installs is whole: a wheel built from the tree, in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
MAN_PAGES = ["packaging/man/kglb-actors.1", "packaging/man/kglb-actors.toml.5"]


def files(*packages: str) -> set[str]:
    """What is in the packages' directories, but for what Python itself has put there."""
    paths = (path for name in packages for path in (ROOT / name).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the tree."""
    tree, built = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("built")
    for name in [*files("kglb", "journal"), *MAN_PAGES, "pyproject.toml", "README.md", "LICENSE"]:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, tree], check=True)
    (made,) = built.glob("*.whl")
    return made


def test_every_file_of_the_packages_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    shared = {name for name in names if ".data/" in name}
    assert names - shared == files("kglb", "journal")
    assert {Path(name).name for name in shared} == {Path(name).name for name in MAN_PAGES}


def test_an_installed_program_runs_and_finds_what_it_needs(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    subprocess.run([*PIP, "--python", home / "bin" / "python", "install", "--no-deps", wheel], check=True)
    program = home / "bin" / "kglb-actors"
    libraries = {**os.environ, "PYTHONPATH": sysconfig.get_paths()["purelib"]}  # not ours: those are in a .pth there

    def says(*arguments: object) -> str:
        command = [str(program), *map(str, arguments)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=libraries)
        return ran.stdout

    assert "usage: kglb-actors" in says("--help")
    assert (home / "share" / "man" / "man5" / "kglb-actors.toml.5").is_file()
    assert says("check", ROOT / "examples" / "minimal.toml").startswith("ok: 1 balancer")
    assert '"title": "The config of kglb-actors"' in says("check", "--schema")
