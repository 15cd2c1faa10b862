"""The command line's options, one module per group."""
