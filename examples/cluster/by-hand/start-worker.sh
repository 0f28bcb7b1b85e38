#!/usr/bin/env bash
# Adds this machine to the cluster and stays in the foreground; Ctrl-C takes it out again, and its trials go on elsewhere.
#   bash start-worker.sh HEAD:6379 [options of `ray start`, e.g. --num-gpus=2]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
head=${1:?usage: start-worker.sh HEAD:PORT [options of ray start]}
shift
source "$here/token.sh"
export RAY_USAGE_STATS_ENABLED=0
exec ray start --block --address="$head" --object-store-memory=200000000 "$@"
