"""Words for how few of a balancer's reals are up, and who serves in their place."""

from kglb.projections import BalancerState
from kglb.replay.words import plural


def primaries(known: BalancerState) -> str:
    """The primaries in rotation, counted; "reals" where there is no other kind."""
    return plural(known.total, "primary real" if has_backups(known) else "real")


def has_backups(known: BalancerState) -> bool:
    """Whether the config has any backup."""
    return known.config.has_backups


def shortage(known: BalancerState) -> str:
    """Why those that are up are not enough, to be read after "because"."""
    if known.alive:
        below = f"less than fail_open_below ({known.config.fail_open_below:g})"
        return f"{known.alive} of {primaries(known)} {_be(known.alive)} up, {below}"
    if not known.total:
        return "every primary real is drained or leaves"
    if known.total == 1:
        return f"the only {'primary real' if has_backups(known) else 'real'} is down"
    return f"all {primaries(known)} are down"


def policy(known: BalancerState) -> str:
    """The shortage, and what the config says of it."""
    parts = [shortage(known)]
    if has_backups(known):
        parts.append("no backup is up")
    if not known.alive:
        parts.append(f"when_all_down is {'fail_closed' if known.mode == 'unavailable' else 'fail_open'}")
    *most, last = parts
    return f"{', '.join(most)}, and {last}" if most else last


def relief(known: BalancerState) -> str:
    """The shortage, and how many backups are up."""
    up, backups = known.backups_alive, plural(known.backups, "backup")
    return f"{shortage(known)}, and {f'{up} of {backups}' if known.backups != 1 else 'the only backup'} {_be(up)} up"


def standby(known: BalancerState) -> str:
    """Why a backup that is up does not serve, to be read after "because"."""
    match known.mode:
        case "initial":
            return f"it is a backup, and {plural(known.awaited, 'primary real')} had no verdict yet"
        case "failsafe":
            return f"it is a backup, and failsafe gives the primary reals their weights: {shortage(known)}"
        case _:
            return f"it is a backup, and {known.alive} of {primaries(known)} {_be(known.alive)} up"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
