"""The routes, one module for each thing a client asks about."""
