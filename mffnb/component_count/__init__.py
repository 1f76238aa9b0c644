"""Number of components from the data alone: images and directions above the noise, less those that are variations."""
