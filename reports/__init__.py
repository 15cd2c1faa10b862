"""Records in, tables and reports out. Importing this package costs nothing: each module imports what it needs."""
