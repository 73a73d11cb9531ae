"""Recipe of the shipped blocks: data, training, evaluation, cards; one command each."""
