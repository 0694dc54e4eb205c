"""The page Patch embedding."""
