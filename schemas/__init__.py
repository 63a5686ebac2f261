"""The words both sides share: events, envelope, errors."""
