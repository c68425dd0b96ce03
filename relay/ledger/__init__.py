"""What is counted for an address, from its first connection to the last thing that is kept for it.

A session, a user id, a TURN name and a port cost a stranger nothing, so they limit nothing: an address does. Two kinds
of things are counted. What is *held* (connections, sessions, converted pictures) has places in a `Table`: a full one
takes from the address that holds most. What is *done* (bytes read, handshakes, offers, pairings) is paid from an
`Account`: an address that has spent what it has goes on more slowly, in `Turns`.
"""
