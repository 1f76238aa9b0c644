"""The live session of an explorer: its image, its unmixing task and the run in the background."""
