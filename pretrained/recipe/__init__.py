"""Recipe of the shipped blocks, with one command each for data, training, evaluation and cards."""
