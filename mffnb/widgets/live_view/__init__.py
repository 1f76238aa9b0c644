"""The live view: an anywidget that draws abundance maps and spectra from binary frames."""
