"""Pure decisions: state, fold, decide. Nothing here reads a clock, a database or a setting."""
