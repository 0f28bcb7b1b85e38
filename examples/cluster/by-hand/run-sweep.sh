#!/usr/bin/env bash
# Runs a sweep on the cluster, from any of its machines. Ctrl-C once: running trials save a checkpoint and stop; the same command continues.
#   bash run-sweep.sh HEAD:6379 sweep.yaml [options of `steadysweep run`]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
head=${1:?usage: run-sweep.sh HEAD:PORT SWEEP.yaml [options of steadysweep run]}
sweep=${2:?usage: run-sweep.sh HEAD:PORT SWEEP.yaml [options of steadysweep run]}
shift 2
source "$here/token.sh"
exec steadysweep run "$sweep" --address="$head" "$@"
