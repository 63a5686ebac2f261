"""The event store: what happened, in order, sealed, for good."""
