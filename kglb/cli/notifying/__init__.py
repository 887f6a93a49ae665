"""Tells others what happened: ``delivery`` takes what ``kglb.replay.news`` has, and hands it on, one after the other.

    target        what can be told: it has taken what it was told, refuses it for good, or is to be asked again
    webhook       a URL, by httpx
    program       a program, started for each
    payload       what they get: JSON, or text for chats
    backoff       when to ask again
    place_file    how far it is, on the disk, for the next process
    standing      how far it is, for whoever watches it
    rewritten     a file that a disk may refuse later on, as both are

Whatever was not taken is told again, by the next process if need be: at least once, in order. The journal is the queue,
so a target that is down for a day costs no memory, and the daemon nothing at all.
"""
