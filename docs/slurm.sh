#!/bin/bash
# One image on two nodes: sbatch docs/slurm.sh big.h5
# When the time runs out, or a node goes down, submit the same line again: the run goes on from its checkpoint, to the
# same bits. Remove the folder of the checkpoint to begin anew.
#SBATCH --job-name=unmix
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=16
#SBATCH --cpus-per-task=1
#SBATCH --time=02:00:00
#SBATCH --requeue

set -euo pipefail
file=${1:?name the file to unmix}

# One thread a rank: more would fight for the cores.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1
# Compiled kernels are kept where all nodes see them.
export MFFNB_CACHE_DIR=${MFFNB_CACHE_DIR:-$HOME/.cache/mffnb}

# `-m mpi4py` ends all ranks when one of them fails; without it the others would wait for ever.
srun --kill-on-bad-exit=1 python -m mpi4py -m mffnb unmix "$file" --dataset /data -k 6 --random-state 0 \
    -o "${file%.*}.zarr" --checkpoint "${file%.*}-checkpoint" --every 300 --quiet
