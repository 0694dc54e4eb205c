"""Downloads of published weights, from the Hugging Face hub into its ordinary cache."""

from vislib.weights.hub.transfer import DownloadStoppedError, pull

__all__ = ["DownloadStoppedError", "pull"]
