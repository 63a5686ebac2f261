"""Read side: one file per view, and what keeps every view honest."""
