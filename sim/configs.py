"""Configurations: the first one, and how an operator edits it. Every one of them is good."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from msgspec.structs import replace

from kglb.model import Balancer, BgpConfig, Config, DataPlaneConfig, Forward, Real, StatusConfig
from kglb.model.check import connects
from sim.balancers import (
    BELOW,
    DRAIN,
    FIRST_PORT,
    WHEN_DOWN,
    another_question,
    has_primary,
    host,
    name,
    new_balancer,
    new_pool,
)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is: balancers, reals in all, and the interval between checks in seconds (0: any).

    With ``pools`` some balancers have reals that are discovered.
    """

    balancers: int = 3
    reals: int = 12
    interval: float = 0.0
    pools: bool = False


class Operator:
    """Writes configs: ``config`` is the latest."""

    def __init__(self, random: Random, size: Size) -> None:
        self._random = random
        self._size = size
        self._next = 0
        self.config = Config(
            status=StatusConfig(listen=""),
            bgp=BgpConfig(engine=random.choice(("none", "exabgp"))),
            data_plane=DataPlaneConfig(
                reconcile_interval=random.choice((10.0, 30.0)), on_stop=random.choice(("cleanup", "leave"))
            ),
        )
        for _ in range(size.balancers):
            self._add_balancer()

    def edit(self) -> str:
        """Change something; says what."""
        edits: list[Callable[[], None]] = [
            self._add_real,
            self._remove_real,
            self._weigh,
            self._change_thresholds,
            self._ask_otherwise,
            self._change_scheduler,
            self._change_policy,
            self._change_forward,
            self._change_marks,
            self._add_balancer,
            self._remove_balancer,
            self._change_interval,
            self._change_when_down,
            self._change_patience,
            self._change_role,
            self._change_threshold,
        ]
        if self._size.pools:
            edits += [self._change_pool]
        edit = self._random.choice(edits)
        edit()
        return edit.__name__.strip("_").replace("_", " ")

    # --- balancers ------------------------------------------------------------------------------------------------

    def _add_balancer(self) -> None:
        number, self._next = self._next, self._next + 1
        random = self._random
        share = max(1, self._size.reals // max(1, self._size.balancers))
        hosts = random.sample(range(self._size.reals), min(share, self._size.reals))
        reals = tuple(self._real(number, chosen) for chosen in hosts)
        balancer = new_balancer(random, number, reals, self._size.interval)
        if self._size.pools and random.random() < 0.7:
            listed = balancer.reals if random.random() < 0.5 else ()
            balancer = replace(balancer, reals=listed, pools=(new_pool(random, number),))
        self.config = replace(self.config, balancers=(*self.config.balancers, balancer))

    def _real(self, balancer: int, number: int) -> Real:
        named = self._random.random() < 0.2
        return Real(
            host=f"{name(number) if named else host(number)}:{FIRST_PORT + balancer}",
            weight=self._random.choice((1, 100, 1000)),
            forward=Forward(self._random.choice(("masquerade", "tunnel"))),
        )

    def _remove_balancer(self) -> None:
        if len(self.config.balancers) > 1:
            gone = self._random.choice(self.config.balancers)
            left = tuple(balancer for balancer in self.config.balancers if balancer is not gone)
            self.config = replace(self.config, balancers=left)

    def _change(self, change: Callable[[Balancer], Balancer]) -> None:
        balancers = list(self.config.balancers)
        at = self._random.randrange(len(balancers))
        balancers[at] = change(balancers[at])
        self.config = replace(self.config, balancers=tuple(balancers))

    # --- edits ----------------------------------------------------------------------------------------------------

    def _add_real(self) -> None:
        def add(balancer: Balancer) -> Balancer:
            port = balancer.service.key.address.rpartition(".")[2]
            real = self._real(int(port) - 1, self._random.randrange(self._size.reals))
            if _host_number(real) in {_host_number(known) for known in balancer.reals}:
                return balancer
            return replace(balancer, reals=(*balancer.reals, real))

        self._change(add)

    def _remove_real(self) -> None:
        def remove(balancer: Balancer) -> Balancer:
            if not balancer.reals:
                return balancer
            gone = self._random.randrange(len(balancer.reals))
            left = balancer.reals[:gone] + balancer.reals[gone + 1 :]
            return replace(balancer, reals=left) if has_primary(left) else balancer

        self._change(remove)

    def _change_real(self, change: Callable[[Real], Real]) -> None:
        def one(balancer: Balancer) -> Balancer:
            if not balancer.reals:
                return balancer
            at = self._random.randrange(len(balancer.reals))
            reals = (*balancer.reals[:at], change(balancer.reals[at]), *balancer.reals[at + 1 :])
            return replace(balancer, reals=reals)

        self._change(one)

    def _weigh(self) -> None:
        self._change_real(lambda real: replace(real, weight=self._random.choice((0, 7, 500))))

    def _change_forward(self) -> None:
        self._change_real(lambda real: replace(real, forward=Forward("direct")))

    def _change_check(self, **changes: object) -> None:
        self._change(lambda balancer: replace(balancer, check=replace(balancer.check, **changes)))

    def _change_thresholds(self) -> None:
        self._change_check(rise=self._random.randint(1, 3), fall=self._random.randint(1, 3))

    def _change_interval(self) -> None:
        self._change_check(interval=self._size.interval or self._random.choice((1.0, 2.0, 5.0)))

    def _ask_otherwise(self) -> None:
        number = self._random.randrange(10)
        self._change(lambda balancer: replace(balancer, check=another_question(balancer.check, number)))

    def _change_scheduler(self) -> None:
        scheduler = self._random.choice(("wlc", "sh", "wrr"))
        self._change(lambda balancer: replace(balancer, service=replace(balancer.service, scheduler=scheduler)))

    def _change_policy(self) -> None:
        policy = self._random.choice(("fail_open", "fail_closed"))
        below = self._random.choice(BELOW) if policy == "fail_open" else 0.0
        self._change(lambda balancer: replace(balancer, when_all_down=policy, fail_open_below=below))

    def _change_threshold(self) -> None:
        below = self._random.choice(BELOW)

        def change(balancer: Balancer) -> Balancer:
            return replace(balancer, fail_open_below=below) if balancer.when_all_down == "fail_open" else balancer

        self._change(change)

    def _change_role(self) -> None:
        def one(balancer: Balancer) -> Balancer:
            if not balancer.reals:
                return balancer
            at = self._random.randrange(len(balancer.reals))
            real = balancer.reals[at]
            reals = (*balancer.reals[:at], replace(real, backup=not real.backup), *balancer.reals[at + 1 :])
            return replace(balancer, reals=reals) if has_primary(reals) else balancer

        self._change(one)

    def _change_marks(self) -> None:
        def turn(balancer: Balancer) -> Balancer:
            return replace(balancer, fwmark_checks=not balancer.fwmark_checks) if connects(balancer.check) else balancer

        self._change(turn)

    def _change_pool(self) -> None:
        """Another pool, one instead of the reals that are listed, or none."""

        def change(balancer: Balancer) -> Balancer:
            if balancer.pools and balancer.reals and self._random.random() < 0.3:
                return replace(balancer, pools=()) if has_primary(balancer.reals) else balancer
            port = balancer.service.key.address.rpartition(".")[2]
            pools = (new_pool(self._random, int(port) - 1),)
            listed = balancer.reals if self._random.random() < 0.5 else ()
            return replace(balancer, reals=listed, pools=pools)

        self._change(change)

    def _change_when_down(self) -> None:
        when_down = self._random.choice(WHEN_DOWN)
        self._change(lambda balancer: replace(balancer, when_down=when_down))

    def _change_patience(self) -> None:
        """How long one that leaves keeps its connections, and with it how long one that comes back warms up."""
        seconds = self._random.choice(DRAIN)
        self._change(lambda balancer: replace(balancer, drain_on_remove=seconds, slow_start=2 * seconds))


def _host_number(real: Real) -> str:
    """What a host is known by, whether named or not."""
    text = real.host.rpartition(":")[0]
    return text.removeprefix("real-").removesuffix(".example") if "real-" in text else str(_number(text))


def _number(address: str) -> int:
    _, _, high, low = address.split(".")
    return int(high) * 200 + int(low) - 1
