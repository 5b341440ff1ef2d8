#!/usr/bin/env bash
# Looks for known vulnerabilities in the tested versions (constraints.txt); `make audit` calls it. The list is on the
# network; where it cannot be reached, the step is skipped with a sentence.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if timeout 120 "$venv"/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip >"$log" 2>&1; then
    tail -n 1 "$log"
elif grep -q "known vulnerabilit" "$log"; then
    cat "$log"
    exit 1
else
    echo "Skipped: pip-audit. $(tail -n 1 "$log" | cut -c 1-200)"
fi
