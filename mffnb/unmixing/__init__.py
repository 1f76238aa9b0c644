"""The pipeline from keywords to a labelled result: :func:`mffnb.unmix` and its parts."""
