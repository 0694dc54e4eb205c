"""The page Depthwise kernels."""
