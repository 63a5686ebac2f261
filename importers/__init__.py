"""Real files in, envelopes out: one module per data set."""
