"""Overview: the models themselves, drawn from what they are made of."""
