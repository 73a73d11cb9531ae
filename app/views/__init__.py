"""One function per page; each draws from its state and asks nonlocal_core for everything else."""
