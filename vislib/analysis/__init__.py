"""Array maths on what was captured: numpy in, numpy out; no torch, no figures.

    arrays           named axes and places on the token grid, checked
    activation       erf and the GELU's derivative in numpy
    common_ground    the share of reading, in percent, and its statistics
    reading          what one token reads from the grid, for each kind of token mixing
    fields           what every place of a block reads, packed for a browser
    windows          attention windows: cut, stitched back, located
    depth            relative depth: which block of a model lies how deep
    attentions       attentions of different models side by side: heads, successive blocks, reach
    frequency        how fine the pattern of a map is
    token_units      MLP-Mixer's hidden units as maps, in pairs of opposite phase
    linear_mixing    one linear layer over the tokens (ResMLP): columns, mirror, reach by depth
    unit_steps       one hidden unit followed step by step on one channel of a picture
    kernels          depthwise kernels: radius, spectrum, one channel followed exactly
    kernel_depth     all blocks' kernels side by side: radius, spectrum, samples
    dense_kernels    dense kernels beside depthwise ones: counts, energy over depth
    one_channel      what one place of a depthwise output is made of
    pointwise        which channels a 1 x 1 convolution mixes at one place
    patches          patches and tokens: what a token reads, is made of, resembles
    shuffling        shuffles of a picture's squares, and what they are for tokens
    embedding        patch embedding: filters, token similarity, what the embedding keeps
    faithfulness     judging an attribution: curves over cells, areas, rank correlation
    costs            multiply-adds by kind of mixing as the input grows
    pareto           rows of a table that no other row beats
    channel_groups   DaViT's channel attention: which channels feed a channel, and from where
    cka              how alike two layers find a set of pictures
    mixing_distance  how far a block's mixing of places reaches, over all readers
    disagreement     how far the answers of several models lie apart
    answers          whether an answer names what a picture is known to show

Functions take a plain array or a LabelledArray; of the latter the axis names are checked.
Everything is computed in float64. Tokens are in row-major order over the grid.
"""
