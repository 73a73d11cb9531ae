"""The model catalog as data: which models exist, where their weights come from, what may be claimed about them."""
