"""Lectures as data: a path of steps in TOML files, read and checked. Light: it needs no torch."""
