"""Stubs of sbatch, srun, squeue and scancel, which run a batch script in the background of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_COMMANDS = {
    "sbatch": """
script="${@: -1}"
export SLURM_NTASKS=$(sed -n 's/^#SBATCH --ntasks=//p' "$script")
setsid bash "$script" > "$(sed -n 's/^#SBATCH --output=//p' "$script")" 2>&1 < /dev/null &
echo $!
""",
    "srun": """
while [[ "$1" == --* ]]; do shift; done
for ((i = 0; i < SLURM_NTASKS; i++)); do "$@" & done
wait
""",
    "squeue": """
for option in "$@"; do [[ "$option" == --jobs=* ]] && job=${option#--jobs=}; done
if kill -0 "$job" 2> /dev/null; then echo "RUNNING|None"; else
    echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1
fi
""",
    "scancel": """
kill -TERM -- "-$1" 2> /dev/null && sleep 0.3 && kill -KILL -- "-$1" 2> /dev/null || true
""",
}


def install(folder: Path, **commands: str) -> str:
    """Write the stubs into a folder, with other bodies for the named commands; return a PATH that begins with it."""
    folder.mkdir(exist_ok=True)
    for name, body in (_COMMANDS | commands).items():
        (folder / name).write_text(f"#!/bin/bash\n{body}")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def slurm_answers() -> bool:
    """Return whether this machine belongs to a Slurm cluster with an idle node."""
    if shutil.which("sinfo") is None:
        return False
    try:
        command = ["sinfo", "--noheader", "--states=idle", "--format=%D"]
        nodes = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except subprocess.TimeoutExpired:
        return False
    return nodes.returncode == 0 and any(int(line) > 0 for line in nodes.stdout.split())
