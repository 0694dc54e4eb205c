"""The page Disagreement."""
