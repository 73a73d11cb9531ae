"""State of the server: frames, networks, sessions, bundles, and each visitor's choices and results."""
