"""A config in a few lines for a person: what ``kglb-actors check`` answers when all is well."""

from kglb.config.values import duration_text
from kglb.model import Balancer, Check, Config, TcpCheck, kind_of, parts_of


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
    forwards, every = ", ".join(map(str, balancer.forwards)), duration_text(balancer.check.interval)
    return (
        f"{balancer.id} {balancer.service.scheduler}, {_reals(balancer)} "
        f"({forwards}), {_check(balancer.check)} every {every}"
    )


def _check(check: Check) -> str:
    return f"{' and '.join(map(_kind, parts_of(check)))} check"


def _kind(check: Check) -> str:
    return f"{kind_of(check)}{' over TLS' if isinstance(check, TcpCheck) and check.tls else ''}"


def _reals(balancer: Balancer) -> str:
    backups = sum(real.backup for real in balancer.reals)
    listed = _count(len(balancer.reals), "real") if balancer.reals or not balancer.pools else ""
    pools = " and ".join(f"the members of {pool.id}" for pool in balancer.pools)
    every = " and ".join(filter(None, (listed, pools)))
    return f"{every}, {_count(backups, 'backup')} among them" if backups else every


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
