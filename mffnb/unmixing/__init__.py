"""The pipeline from keywords to a labelled result: :func:`mffnb.unmix` and its parts.

In the order in which they are used: :mod:`~mffnb.unmixing.task` (keywords that determine the answer),
:mod:`~mffnb.unmixing.execution` (processes, checkpoint, callback), :mod:`~mffnb.unmixing.pipeline` (open, prepare,
solve, warn, label), :mod:`~mffnb.unmixing.image` (mask, preprocessing, weights), :mod:`~mffnb.unmixing.solve` with
:mod:`~mffnb.unmixing.multistart` and :mod:`~mffnb.unmixing.auto_volume`, :mod:`~mffnb.unmixing.component_order`,
:mod:`~mffnb.unmixing.record`, :mod:`~mffnb.unmixing.label` and :mod:`~mffnb.unmixing.result`.
"""
