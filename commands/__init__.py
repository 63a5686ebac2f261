"""Write side: command models, their handlers, one dispatcher."""
