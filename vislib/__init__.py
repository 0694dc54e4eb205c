"""MixScope's library: what mixing layers compute, as named arrays.

The map of the house (each module is imported when it is first needed; this file imports nothing)::

    schema          the frozen dataclasses, the axis and role vocabulary, the exceptions
    images          untrusted bytes -> DecodedImage; view-box geometry
    gallery         the pictures that come with the project
    registry        MODEL_REGISTRY: one row a model
    models          load(), prepare(), multiply_adds()
    devices         cuda, mps or cpu, and what the machine has
    shelf           loaded models within a budget of memory
    weights         where weights come from: bundled, cached or downloaded
    hub             one download: ask, fetch, check, show
    downloads       downloads in the background, for a page
    film            a bundled model's weights over its training
    capture         run_with_cache(): hooks on, one forward, hooks off, completeness check
    intervention    change a private copy of a model, and run it again
    attribution     estimates by gradients, always labelled as such
    probing         what each depth would answer; features for similarity
    similarity      CKA between layers of the bundled models
    identities      mixing rebuilt as convolutions
    counting        multiply-adds of each operator at any input size
    papers          the three papers' result tables
    architectures   one adapter a family: where its tensors live, how to rebuild derived ones
    analysis        array maths on what was captured (numpy)
    figures         arrays -> palette PNGs, plotly figures, matplotlib exports
    training        the recipe of the bundled models (not imported by the app)
    experiments     the papers' claims in miniature: variants, their tables, the command
    __main__        the command line: train, evaluate, weights, similarity, experiment

The library never imports streamlit and serves a notebook as well as the pages.
"""
