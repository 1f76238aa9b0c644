"""The live session of an explorer: its data, its task and the run in the background."""
