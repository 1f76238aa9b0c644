#!/usr/bin/env bash
# Build the wheel and try it, alone in a fresh environment, on every Python that it says it supports; one line for each.
# tools/first_run.py adds the row of docs/releases.md: size of the installation and processor seconds of the first run.
#
#   tools/check_pythons.sh [python that has pip]
set -euo pipefail
cd "$(dirname "$0")/.."

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"${1:-python3}" -m pip wheel -q --no-deps -w "$work" .
wheel="$(echo "$work"/mffnb-*.whl)"

# Files that are not Python are easily left out.
contents="$("${1:-python3}" -m zipfile -l "$wheel")"
for file in notebooks/01_first_unmix.ipynb widgets/live_view/static/live_view.js widgets/live_view/live_view.css \
  widgets/boards/static/picture.js widgets/boards/picture.css py.typed; do
  grep -q "mffnb/$file " <<<"$contents" || { echo "$(basename "$wheel"): mffnb/$file is missing"; exit 1; }
done
echo "$(basename "$wheel"): notebooks, front end and py.typed are inside"

find_python() { # a pyenv shim is on the path even where its version is not chosen, so each candidate has to start
  local candidate
  for candidate in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    [ -x "$candidate" ] && "$candidate" -c "import venv, ensurepip" 2>/dev/null && { echo "$candidate"; return; }
  done
  return 1
}

try() {
  local python="$1" home="$2"
  "$python" -m venv "$home/venv"
  "$home/venv/bin/pip" install -q --disable-pip-version-check "$wheel"
  cp tools/first_run.py "$home"
  cd "$home" # not in the repository, whose package would be found first
  row="$(venv/bin/python first_run.py)"
  venv/bin/pip install -q --disable-pip-version-check "$wheel[lab]"
  version_line="$(venv/bin/mffnb --version)"
  venv/bin/mffnb unmix --demo --max-iter 3 -o x.nc -q 2>/dev/null
  lab="$(venv/bin/jupyter lab --version)"
  venv/bin/python - "$version_line" "$lab" <<'PYTHON'
import sys, pathlib
import mffnb as mf
from mffnb.cli import copy_tutorials

assert sys.prefix in mf.__file__, mf.__file__
assert mf.load("x.nc").abundances.sizes == {"component": 4, "y": 128, "x": 128}
assert copy_tutorials(pathlib.Path("tutorials"))
assert mf.Explorer is not None
python, (package, lab) = sys.version.split()[0], sys.argv[1:]
print(f"Python {python}: {package}, JupyterLab {lab}, demo unmixed, tutorials copied, explorer imported")
PYTHON
  echo "$row"
}

failed=0
for version in 3.11 3.12 3.13 3.14; do
  if ! python="$(find_python "$version")"; then
    echo "Python $version: not found"
    continue
  fi
  mkdir "$work/$version"
  # Not as the condition of an if, where bash would go on after a command that fails.
  set +e
  (set -e; unset PYTHONPATH; try "$python" "$work/$version") >"$work/$version/log" 2>&1
  code=$?
  set -e
  if [ "$code" -eq 0 ]; then
    tail -n 2 "$work/$version/log"
  else
    echo "Python $version: FAILED"
    cat "$work/$version/log"
    failed=1
  fi
done
exit "$failed"
