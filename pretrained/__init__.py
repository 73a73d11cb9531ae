"""The model catalog as data: the models, the source of their weights, and the claims that may be made."""
