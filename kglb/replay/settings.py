"""Other settings for a journal that was recorded under its own: ``balancer.web.check.fall=5``.

Only what can be decided from the journal can be set otherwise; another question to the reals cannot, as nobody knows
what they would have answered. Keys and values are those of the config.
"""

import tomllib
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from kglb.config.balancers import BALANCER
from kglb.config.checks import COMMON, KINDS
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Key, Node, Reading
from kglb.config.secrets import Secrets
from kglb.config.values import did_you_mean, duration_text
from kglb.model import Balancer, Config
from kglb.replay.errors import ReplayError
from kglb.replay.names import Names

EVERY = "*"
"""The name that stands for all balancers."""

_BALANCER_KEYS = ("when_all_down", "fail_open_below")
_CHECK_KEYS = ("rise", "fall", "interval", "fast_interval")
DECIDABLE = (*(f"check.{key}" for key in _CHECK_KEYS), *_BALANCER_KEYS)
"""What can be set otherwise of a balancer."""


class SettingError(ReplayError):
    """A setting is not understood, or cannot be decided from a journal."""


class Setting(msgspec.Struct, frozen=True):
    """One key of one balancer, or of every one, and its other value, as the model has it."""

    balancer: str
    key: str
    value: object

    @property
    def paces(self) -> bool:
        """Whether it changes when probes are made, and not only what is made of them."""
        return self.key in ("check.interval", "check.fast_interval")

    def __str__(self) -> str:
        value = duration_text(self.value) if isinstance(self.value, float) and self.paces else self.value
        return f"balancer.{self.balancer}.{self.key}={value}"


def parse_setting(text: str) -> Setting:
    """Read ``balancer.web.check.fall=5``. Raises SettingError.

    >>> parse_setting("balancer.web.when_all_down=fail_closed").value
    'fail_closed'
    """
    path, equals, value = text.partition("=")
    section, _, rest = path.strip().partition(".")
    if not equals or section != "balancer" or "." not in rest:
        raise SettingError(f"{text}: expected balancer.NAME.KEY=VALUE, as balancer.web.check.fall=5")
    name, check, key = rest.rpartition(".check.")
    if not check:
        name, _, key = rest.rpartition(".")
    full = f"check.{key}" if check else key
    row = _row(text, full, _check_keys() if check else {key.name: key for key in BALANCER})
    try:
        return Setting(name, full, row.read(Node(_value(value.strip()), (), Reading("", Secrets({}, "")))))
    except RefusedError as refusal:
        raise SettingError(f"{text}: {refusal}" + (f"; {refusal.hint}" if refusal.hint else "")) from None


def _check_keys() -> dict[str, Key]:
    kinds = (key for kind in KINDS.values() for key in kind.keys)
    return {key.name: key for key in (*COMMON, *kinds)}


def _row(text: str, full: str, keys: dict[str, Key]) -> Key:
    name = full.removeprefix("check.")
    if full in DECIDABLE:
        return keys[name]
    if name in keys:
        raise SettingError(f"{text}: what {full} would have changed is not in a journal; {_can_be_set()}")
    raise SettingError(f"{text}: unknown key {show(full)}; {did_you_mean(full, DECIDABLE) or _can_be_set()}")


def _can_be_set() -> str:
    return f"what can be set is {', '.join(DECIDABLE)}"


def _value(text: str) -> object:
    """As TOML has it; a bare word is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


class Settings:
    """Settings, and the configs under them."""

    def __init__(self, settings: Iterable[Setting] = ()) -> None:
        self.settings = tuple(settings)

    @property
    def pace(self) -> bool:
        """Whether any of them changes when probes are made."""
        return any(setting.paces for setting in self.settings)

    def apply(self, config: Config) -> Config:
        """A recorded config under these settings. Raises SettingError where they do not go together."""
        names = Names(config.balancers)
        return replace(config, balancers=tuple(self._balancer(balancer, names) for balancer in config.balancers))

    def require_balancers(self, configs: Iterable[Config]) -> None:
        """Raises SettingError for a name that means no balancer of any of these configs, or several of one."""
        every = [Names(config.balancers) for config in configs]
        for setting in self.settings:
            found = [names.services(setting.balancer) for names in every]
            if setting.balancer == EVERY or any(len(services) == 1 for services in found):
                continue
            if any(found):
                raise SettingError(f"{setting}: several balancers have that name; write NAME@SERVICE")
            missing = (every or [Names()])[-1].missing(setting.balancer)
            raise SettingError(f"{setting}: {missing}")

    def _balancer(self, balancer: Balancer, names: Names) -> Balancer:
        changed = balancer
        for setting in self.settings:
            if setting.balancer == EVERY or names.services(setting.balancer) == {balancer.id}:
                changed = _changed(changed, setting)
        check = changed.check
        if check.fast_interval > check.interval:
            raise SettingError(
                f"{balancer.name}: a fast_interval of {duration_text(check.fast_interval)} is longer than the interval "
                f"of {duration_text(check.interval)}"
            )
        if changed.fail_open_below and changed.when_all_down != "fail_open":
            raise SettingError(f"{balancer.name}: fail_open_below needs when_all_down = fail_open")
        return changed


def _changed(balancer: Balancer, setting: Setting) -> Balancer:
    if setting.key.startswith("check."):
        fields = {setting.key.removeprefix("check."): setting.value}
        return replace(balancer, check=replace(balancer.check, **fields))
    return replace(balancer, **{setting.key: setting.value})
