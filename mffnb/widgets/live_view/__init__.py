"""Live view of a running fit: frames, their encoding, the browser widget, and the background worker."""
