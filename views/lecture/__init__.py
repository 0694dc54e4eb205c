"""The page Lecture: a path of steps, led from one window and followed by others."""
