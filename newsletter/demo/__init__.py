"""The demo: everything on one machine, watched over by one process."""
