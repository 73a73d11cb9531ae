"""Network runs: the device, the preparation shared by all sessions, and networks of other people."""
