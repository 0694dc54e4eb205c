"""The page Token mixing."""
