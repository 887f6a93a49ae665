"""Finding the values of secrets: in the environment, in files, or in the config itself.

The config keeps only a ``SecretRef``; the values are held here and nowhere else. No message ever shows one.
"""

import os
from collections.abc import Mapping

from kglb.config.files import UnreadableError, read_text
from kglb.config.problems import RefusedError
from kglb.model import SecretRef

_LARGEST_SECRET = 64 * 1024


class Secrets:
    """Resolves references and remembers what they stood for. Relative file names start at ``directory``."""

    def __init__(self, environ: Mapping[str, str], directory: str) -> None:
        self.values: dict[SecretRef, str] = {}
        self._environ = environ
        self.directory = directory

    def from_environment(self, name: str) -> SecretRef:
        """The value of a variable; raises RefusedError when it is not set or empty."""
        if not (value := self._environ.get(name)):
            raise RefusedError(f"the environment variable {name} is not set", f"export {name} or use a file")
        return self._keep(SecretRef(env=name), value)

    def from_file(self, name: str) -> SecretRef:
        """The content of a file without final newlines; raises RefusedError when unreadable or empty."""
        try:
            content = read_text(os.path.join(self.directory, name), limit=_LARGEST_SECRET, regular=True)
        except UnreadableError as error:
            raise RefusedError(f"the file {name} {error}") from None
        if not (value := content.rstrip("\r\n")):
            raise RefusedError(f"the file {name} is empty")
        return self._keep(SecretRef(file=name), value)

    def from_config(self, place: str, value: str) -> SecretRef:
        """A value that stands in the config at ``place``."""
        return self._keep(SecretRef(inline=place), value)

    def _keep(self, reference: SecretRef, value: str) -> SecretRef:
        self.values[reference] = value
        return reference
