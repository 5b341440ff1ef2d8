#!/usr/bin/env bash
# Creates the virtual environment $VENV (.venv if unset) and installs the tested versions. make calls it through the stamp
# $VENV/.installed: an interrupted installation leaves no stamp, so the next call continues it; a finished one is never
# repeated.
set -euo pipefail
cd "$(dirname "$0")/.."

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))'
venv=${VENV:-.venv}
stamp=$venv/.installed

# A checkout may touch the two files without changing them: then nothing is to be installed.
wanted=$(cat pyproject.toml constraints.txt)
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    touch "$stamp"
    exit 0
fi
rm -f "$stamp"

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c "$supported" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 to 3.14 is needed; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 | tail -1), and no" \
        "python3.11 to python3.14 was found. Install one, or name it: make PYTHON=/path/to/python3.13" >&2
    return 1
}

if ! "$venv"/bin/python -c "$supported" >/dev/null 2>&1 || ! "$venv"/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
    echo "Creating $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

echo "Installing the tested versions (torch first; a few minutes the first time)"
pip=("$venv"/bin/python -m pip --disable-pip-version-check install --quiet --no-compile -c constraints.txt)
"${pip[@]}" torch
"${pip[@]}" -e '.[dev]'

printf '%s\n' "$wanted" >"$stamp.part"
mv "$stamp.part" "$stamp"
