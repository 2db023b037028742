#!/bin/sh
# Judge the change from one state of the network to another: check-change.sh BEFORE AFTER [REPORT]
# Exit code 0: safe. 3: rejected, or not wholly judged. 2: a file that cannot be read.
set -u
before=$1 after=$2 report=${3:-network-change.md}
twinops verify --from "$before" --to "$after" --format markdown > "$report"
code=$?
cat "$report"
exit $code
