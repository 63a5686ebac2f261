"""The demo: real purchases, one made-up customer, and the views of both."""
