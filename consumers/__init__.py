"""The moving parts: feeds, the projecting runtime, rebuilds, held subjects."""
