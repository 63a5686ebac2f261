"""Pure calculations that the write side and the read side share."""
