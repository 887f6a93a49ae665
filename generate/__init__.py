"""What is made from the code and committed beside it: the config's JSON Schema, shell completions, man pages,
the dashboard.

``python -m generate`` writes all of it again; a test fails while any of it is out of date. Nothing here is installed.
"""

from collections.abc import Callable
from pathlib import Path

from generate.completions import bash, fish, zsh
from generate.dashboard import grafana_dashboard
from generate.man import man_page
from generate.man_config import config_man_page
from generate.schema import config_schema

ROOT = Path(__file__).parents[1]

GENERATED: dict[str, Callable[[], str]] = {
    "kglb/config/kglb-actors.schema.json": config_schema,
    "packaging/completions/kglb-actors.bash": bash,
    "packaging/completions/_kglb-actors": zsh,
    "packaging/completions/kglb-actors.fish": fish,
    "packaging/grafana/kglb-actors.json": grafana_dashboard,
    "packaging/man/kglb-actors.1": man_page,
    "packaging/man/kglb-actors.toml.5": config_man_page,
}
"""The files, from the root of the checkout, and what makes the text of each."""
