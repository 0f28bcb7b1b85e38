#!/usr/bin/env bash
# Starts the head of the cluster on this machine and stays in the foreground; Ctrl-C ends it. More options of `ray start` may follow,
# e.g. --num-cpus=0 for a head that coordinates and trains nothing, or --node-ip-address=10.0.0.5 where the machine has several.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/token.sh"
export RAY_USAGE_STATS_ENABLED=0
exec ray start --head --block --port=6379 --include-dashboard=false --object-store-memory=200000000 "$@"
