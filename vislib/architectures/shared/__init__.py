"""What several adapters share.

attention    splitting q, k, v, naming what is rebuilt, cuts
cuts         what can be switched off: a layer, a block
grids        patches side by side, blocks of one stage
hook_points  what is recorded, and the groups
parameters   from a module's weights to a LabelledArray
"""
