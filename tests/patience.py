"""How long tests wait for what is to happen. How soon it happens proves nothing: the machine may be busy."""

PATIENCE = 60.0
"""Seconds until what does not happen fails a test: whoever waits goes on as soon as it has happened."""
