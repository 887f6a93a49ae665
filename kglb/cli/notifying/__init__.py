"""Tells others what happened: ``delivery`` takes what ``kglb.replay.news`` has, and hands it on, one after the other.

    target        the port to a receiver: it accepts a notice, refuses it for good, or is to be tried again
    webhook       a URL, by httpx
    program       a program, started for each
    payload       what receivers get: JSON, or text for chats
    backoff       when to try again
    place_file    the progress on the disk, for the next process
    standing      the progress as metrics, for monitoring
    rewritten     a file that is written again and again, as both of these are

Whatever was not taken is told again, by the next process if need be: at least once, in order. The journal is the queue,
so a target that is down for a day costs no memory, and the daemon nothing at all.
"""
