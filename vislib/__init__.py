"""MixScope's library: what mixing layers compute, as named arrays.

The map of the house (each module is imported when it is first needed; this file imports nothing)::

    schema          the frozen dataclasses, the axis and role vocabulary, the exceptions
    images          untrusted bytes -> DecodedImage; view-box geometry
    gallery         the pictures that come with the project
    registry        MODEL_REGISTRY: one row a model
    models          load(), prepare(), multiply_adds()
    weights         where weights come from: bundled or already cached
    capture         run_with_cache(): hooks on, one forward, hooks off, completeness check
    architectures   one adapter a family: where its tensors live, how to rebuild derived ones
    analysis        array maths on what was captured (numpy)
    figures         arrays -> palette PNGs, plotly figures, matplotlib exports
    training        the recipe of the bundled models (not imported by the app)
    __main__        the command line: train, evaluate, weights list

The library never imports streamlit and serves a notebook as well as the pages.
"""
