"""Live widgets for JupyterLab: the view, the background runner, controls and explorers.

Nothing is imported here, so that `import mffnb` stays fast; import the module you need.
"""
