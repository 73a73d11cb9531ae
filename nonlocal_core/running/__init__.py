"""Network runs: the device, the preparation shared by all sessions, and users' own networks."""
