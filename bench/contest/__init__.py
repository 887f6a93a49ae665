"""The contest: ours beside keepalived, in one kernel, in one run. See ``bench/README.md``."""
