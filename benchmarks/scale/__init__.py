"""Memory, files larger than memory, and MPI ranks."""
