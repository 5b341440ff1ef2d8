"""Gathers the result files of the other scripts into results/summary.json; what was not measured is null."""

import argparse
import json
from pathlib import Path

from infill import KEEPING
from measure import FILE, GOAL, RESULTS

from adaptive_diffusion.storage.atomic_write import atomic_write_file

MOLECULES = "valid", "unique", "novel", "fcd", "forwards", "mean_atoms"
MORE = "unique_10k"
REPEATED = ("second_training",)
"""Folders below the results that hold the same measurements of another training."""
MEASURED = {"valid": Path(FILE).stem, "infill_valid": "infilling", "errors_removed": "judged"}
"""Chief figures, and the files that hold them."""
ATOMS = 0.5
"""By so many atoms the molecules of a setting may be smaller than the twin's in the mean: small ones are valid more
often."""


def best(rows):
    """The setting of the masked denoiser with the smallest FCD (where it is missing, the most valid strings) within
    `GOAL` forwards whose molecules are as large as the twin's, up to `ATOMS`; None where there is no such setting."""
    least = (rows.get("twin", {}).get("mean_atoms") or 0) - ATOMS

    def counts(name, row):
        return name != "twin" and row["forwards"] <= GOAL and (row.get("mean_atoms") or 0) >= least

    within = {name: row for name, row in rows.items() if counts(name, row)}

    def rank(name):
        row = within[name]
        return (1, -row["valid"]) if row["fcd"] is None else (0, row["fcd"])

    return min(within, key=rank) if within else None


def kept_part(found):
    """Valid answers that hold the part that was given, of the chosen setting and of the twin; None before they are
    measured."""
    rows = found.get("settings", {})
    return {
        kind: {figure: rows.get(found.get(name), {}).get(figure) for figure in ("valid", "held", "held_and_different")}
        | {"setting": found.get(name), "forwards": rows.get(found.get(name), {}).get("forwards")}
        for kind, name in (("masked", "setting"), ("twin", "twin"))
    }


def no_larger_fcd(folder):
    """What the judge removes where its threshold may not cost FCD, against one drawing and against the strongest
    rule; None before that is measured."""
    file = folder / "no_margin" / "judged.json"
    if not file.is_file():
        return None
    found = json.loads(file.read_text())
    return {"entropy_bound": found["against"]["entropy_bound"], found["rival"]: found["errors_removed"]}


def summarised(folder):
    """What `summary.json` holds: the best setting beside the twin, and the chief figures of every other file."""
    found = files(folder)
    rows = found.get(Path(FILE).stem, {}).get("settings", {})
    infilling, by_token = found.get("infilling", {}), found.get("correction", {})
    correction = found.get("judged", by_token)
    halting, latency = found.get("complete", {}), found.get("latency", {})
    alone = found.get("halting", {})  # the same heads where incomplete strings may be returned
    chosen = best(rows)
    more = folder / MORE / FILE  # of the setting alone, so many strings that 10,000 of them are valid
    enough = json.loads(more.read_text())["settings"].get(chosen, {}) if more.is_file() else {}
    ours, twin = rows.get(chosen, {}), rows.get("twin", {})
    others = {name: own for name in REPEATED if (own := files(folder / name))}
    removed = correction.get("errors_removed", {})
    stops = {rival: halting.get(f"cost_ratio_to_{rival}", {}) for rival in ("fixed", "best")}
    dearer = max(stops.values(), key=lambda one: one.get("value") or 0)
    return {
        "setting": chosen,
        **{name: ours.get(name) for name in MOLECULES},
        "unique_10k": ours.get("unique@10000", enough.get("unique@10000")),
        **{f"twin_{name}": twin.get(name) for name in MOLECULES},
        "errors_removed": removed.get("value"),
        "errors_removed_ci_low": removed.get("low"),
        "errors_removed_against": correction.get("rival"),
        "errors_removed_no_larger_fcd": no_larger_fcd(folder),
        "errors_removed_token_by_token": by_token.get("errors_removed"),
        # Of the two comparisons, fixed steps and the best rule without learning, the less favourable one.
        "halting_cost_ratio": dearer.get("value"),
        "halting_cost_ratio_high": dearer.get("high"),
        "halting_cost_ratio_to_fixed": stops["fixed"],
        "halting_cost_ratio_to_best": stops["best"],
        "halting_best_without_learning": halting.get("best_without_learning"),
        "validity_alone_cost_ratio_to_fixed": alone.get("cost_ratio_to_fixed"),
        "validity_alone_fcd": alone.get("sets", {}).get(alone.get("policy"), {}).get("fcd"),
        **infill_of(infilling),
        **{f"infill_{kind}": kept_part(found.get(f"infilling_{kind}", {})) for kind in KEEPING},
        "latency_speedup_batch1": latency.get("speedup", {}).get("1", {}).get(chosen),
        "strings": ours.get("strings"),
        "seeds": int(bool(found)),  # what stands above is of the one training whose files lie in this folder
        # In how many trainings a figure was measured; what the others gave stands under the names of their folders.
        **{
            f"{figure}_seeds": sum(file in own for own in (found, *others.values()))
            for figure, file in MEASURED.items()
        },
        **{name: repetition(own) for name, own in others.items()},
    }


def files(folder):
    """The result files of a folder by their names; summaries are left out."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json")) if file.stem != "summary"}


def infill_of(infilling):
    """Valid answers of the masked denoiser and of the twin, each at its best setting."""
    spans = infilling.get("settings", {})
    names = {"infill_valid": infilling.get("setting"), "infill_twin_valid": infilling.get("twin", "twin")}
    return {figure: spans.get(name, {}).get("valid", {}).get("value") for figure, name in names.items()}


def repetition(found):
    """The figures that another training has too."""
    removed = found.get("judged", {}).get("errors_removed", {})
    return {**infill_of(found.get("infilling", {})), "errors_removed": removed.get("value")}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    folder = parser.parse_args(arguments).out
    atomic_write_file(folder / "summary.json", json.dumps(summarised(folder), indent=1) + "\n")


if __name__ == "__main__":
    main()
