"""MixScope: what mixing layers compute on a picture. Start with ``python3 start.py``."""

if __name__ == "__main__":  # a run of the script
    from views import frame

    frame.draw()
else:  # Streamlit's server imports the file for what it serves
    import os

    # Visitors share the cores: numpy's products get one each. It reads this when it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    import streamlit as st
    from starlette.middleware import Middleware

    from views.browser_files import BrowserFiles
    from views.connections import at_once
    from views.first_paint import FirstPaint
    from views.room.server import routes

    app = st.App(
        __file__,
        lifespan=at_once,
        routes=routes(),
        middleware=[Middleware(BrowserFiles), Middleware(FirstPaint)],
    )
