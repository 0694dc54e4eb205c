"""One forward pass and what follows from it.

capture        run_with_cache(): hooks on, one forward, hooks off, completeness check
intervention   change a private copy of a model, and run it again
probing        what each depth would answer; features for similarity
identities     mixing rebuilt as convolutions
"""
