"""kglb-actors keeps Linux IPVS in step with the health of the real servers behind it, and can always say why."""

__version__ = "0.1.0"
