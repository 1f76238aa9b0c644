"""Live widgets for JupyterLab: live view, background runner, controls, explorers, rank explorer and tuning monitor.

Nothing is imported here, so that `import mffnb` stays fast; import the module that you need.
"""
