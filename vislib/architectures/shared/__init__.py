"""What several adapters share.

attention    splitting q, k, v, naming what is rebuilt, cuts
parameters   from a module's weights to a LabelledArray
"""
