"""The page Dual attention."""
