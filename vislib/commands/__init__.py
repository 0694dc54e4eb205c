"""The command line's subcommands; ``python -m vislib`` is ``vislib/__main__.py``."""
