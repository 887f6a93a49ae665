"""Configs of other programs, translated to the document our own TOML would give.

A translation is total or refused: an option without a counterpart here is a mistake that is named, never left
out in silence. ``kglb`` reads KgLb's JSON, ``toml`` writes a document for a person to keep. Nothing here knows
the model: what a translated document means is read where TOML is.
"""
