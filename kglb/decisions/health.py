"""Is this real up? A counter of equal results in a row, and two thresholds.

    streak > 0: so many successes in a row        streak < 0: so many failures in a row

A result of the other sign starts the streak again at one. An unhealthy real becomes healthy when its streak reaches
``rise``, a healthy one unhealthy when it reaches ``-fall``. Unknown outcomes never come here: they say nothing about
the real. (KgLb's health_status.go; CONFORMANCE section A.)
"""


def judge(healthy: bool, streak: int, rise: int, fall: int) -> bool:
    """Whether the real is healthy at this streak; also what changed thresholds decide at once.

    >>> judge(True, -2, rise=3, fall=2)
    False
    """
    if healthy:
        return streak > -fall
    return streak >= rise


def observe(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
    """Health and streak after one more result.

    >>> observe(False, 2, success=True, rise=3, fall=1)
    (True, 3)
    """
    if success:
        streak = streak + 1 if streak > 0 else 1
    else:
        streak = streak - 1 if streak < 0 else -1
    return judge(healthy, streak, rise, fall), streak


def presumed_healthy(kernel_weight: int | None) -> bool:
    """Whether a real without any history is presumed healthy: only if the kernel already sends traffic to it.

    ``kernel_weight`` is None where the kernel has no such destination. A start never takes traffic away.
    """
    return kernel_weight is not None and kernel_weight > 0
