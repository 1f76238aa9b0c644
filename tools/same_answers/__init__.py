"""Calls of public functions whose results are recorded and compared; see ``tools/same_answers.py``."""
