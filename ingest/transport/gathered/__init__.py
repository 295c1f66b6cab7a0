"""MQTT 3.1.1 read in gulps: what came within a millisecond is one read, one batch, one answer.

Waking for every message is what receiving costs, here and in the broker. `packets` are the bytes
sent, `splitter` takes received bytes apart, `link` is one connection, `transport` the session that
outlives connections.
"""
