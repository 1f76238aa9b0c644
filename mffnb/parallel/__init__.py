"""Many processes, one answer. Nothing here is imported unless more than one process is asked for."""
