#!/usr/bin/env bash
# Builds wheel and sdist, checks their metadata, installs the wheel into an empty environment outside the repository,
# samples with a model of the wheel, and runs the quickstart there with a few steps. Needs the extra `release`;
# `make package` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
constraints=$PWD/constraints.txt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$venv"/bin/python -m build --no-isolation --outdir "$folder/dist" . >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; exit 1; }
"$venv"/bin/python -m twine check --strict "$folder"/dist/*

echo "Installing the wheel into an empty environment"
"$venv"/bin/python -m venv "$folder/venv"
pip=("$folder/venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-compile -c "$constraints")
"${pip[@]}" torch
"${pip[@]}" "$folder"/dist/*.whl

mkdir "$folder/empty"
cd "$folder/empty"
unset PYTHONPATH
echo 123456456123231564564231312645.45312 | "$folder/venv/bin/adaptive-diffusion" sample sudoku-6x6 --queries - --sampler learned
"$folder/venv/bin/adaptive-diffusion" run quickstart \
    task.validation_puzzles=20 task.test_puzzles=20 task.stratified_puzzles=20 \
    stages.denoiser.steps=2 stages.denoiser.module.compile=null \
    stages.remasking.steps=2 stages.remasking.module.compile=null \
    stages.halting.steps=2 stages.rollouts.queries=32 stages.cost_aware.steps=2 \
    stages.evaluation.workers=1 'stages.evaluation.samplers=[confidence, "threshold pace.threshold=0.9", learned]'
ls runs/*/report.html >/dev/null
