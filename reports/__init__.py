"""Where people meet the system: figures, pages, terminal, command line."""
