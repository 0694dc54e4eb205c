"""What is run by hand: makes files that come with the project."""
