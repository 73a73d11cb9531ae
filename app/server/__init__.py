"""Holdings of the server: frames, networks, sessions, bundles, and what each visitor chose and made."""
