"""Tools over a journal: the state at any moment, what differs, why it is so, which records, in which words.

Functions over a reader that give structs. Nothing here prints, writes, parses a command line or runs an actor; what was
done to the machine is done again by ``playback``, to the data plane it is given.
"""
