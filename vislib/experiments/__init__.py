"""The papers' claims in miniature: what is trained, the tables of what came out, the command."""
