"""Running a network: on which device, made ready once for all sessions, and somebody else's as it is."""
