"""Real parts for end-to-end tests: BIND, Pebble, backends and provider emulators.

Everything listens on loopback only, on a port of its own, with an environment built from nothing,
so that any number of test runs can share a machine. `support.stack.Stack` brings the usual set up
in one go; each part can also be used alone, as a context manager.
"""
