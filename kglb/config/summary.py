"""A config in a few lines for a person: what ``kglb-actors check`` answers when all is well."""

from kglb.config.values import duration_text
from kglb.model import Balancer, Config


def describe(config: Config) -> tuple[str, ...]:
    """One line for the whole, then one for each balancer. Never shows a secret."""
    reals = sum(len(balancer.reals) for balancer in config.balancers)
    pools = sum(len(balancer.pools) for balancer in config.balancers)
    whole = (
        f"ok: {_count(len(config.balancers), 'balancer')}, {_count(reals, 'real')}, "
        f"{_count(pools, 'pool') + ', ' if pools else ''}"
        f"data plane {config.data_plane.kind}, journal in {config.journal.directory}, "
        f"status on {config.status.listen or 'nothing'}"
    )
    return (whole, *(f"{each.name}: {describe_balancer(each)}" for each in config.balancers))


def describe_balancer(balancer: Balancer) -> str:
    """A balancer in a line, without its name."""
    check = balancer.check
    kind = "https" if getattr(check, "tls", False) else check.__struct_config__.tag
    return (
        f"{balancer.id} {balancer.service.scheduler}, {_reals(balancer)} "
        f"({', '.join(map(str, balancer.forwards))}), {kind} check every {duration_text(check.interval)}"
    )


def _reals(balancer: Balancer) -> str:
    backups = sum(real.backup for real in balancer.reals)
    listed = _count(len(balancer.reals), "real") if balancer.reals or not balancer.pools else ""
    pools = " and ".join(f"the members of {pool.id}" for pool in balancer.pools)
    every = " and ".join(filter(None, (listed, pools)))
    return f"{every}, {_count(backups, 'backup')} among them" if backups else every


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
