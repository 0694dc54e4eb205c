"""The classroom: one lecture a server, what it asks the class, and what the class answered."""
