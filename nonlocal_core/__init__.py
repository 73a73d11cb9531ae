"""Interactive attention of non-local neural networks."""
