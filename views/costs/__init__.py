"""The page Costs."""
