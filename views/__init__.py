"""What the pages draw: one folder a page, and ``frame`` for what all of them share."""
