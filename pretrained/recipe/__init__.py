"""How the shipped blocks were trained and judged: data, training, evaluation, cards; one command each."""
