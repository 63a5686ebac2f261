"""First figures: one file for each question; README.md has the commands and the last answers."""
