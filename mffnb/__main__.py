"""``python -m mffnb``: the same as the ``mffnb`` command."""

from mffnb.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
