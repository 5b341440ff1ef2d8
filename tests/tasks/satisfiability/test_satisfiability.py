"""3-SAT: formulas, boards, verifier and solver, against enumeration of all assignments."""

import sys
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaptive_diffusion.tasks.satisfiability import Formulas, SatisfiabilityData, SatisfiabilityTask, Size
from adaptive_diffusion.tasks.satisfiability.board import satisfied
from adaptive_diffusion.tasks.satisfiability.generator import generate, hashes
from adaptive_diffusion.tasks.satisfiability.solver import first_assignment, hardness

SMALL = Size(4, 12)
ALL = np.array(list(product([False, True], repeat=4)))


def holds(clauses, assignment):
    """The definition, literal by literal."""
    return all(any(assignment[abs(v) - 1] == (v > 0) for v in clause if v) for clause in clauses if any(clause))


clauses_of_four = st.lists(
    st.tuples(*[st.sampled_from([-4, -3, -2, -1, 1, 2, 3, 4])] * 3), min_size=1, max_size=16
).map(lambda rows: np.array(rows, dtype=np.int64))


@given(clauses_of_four)
def test_clauses_hold_and_assignments_come_first_as_by_enumeration(clauses):
    right = [assignment for assignment in ALL if holds(clauses, assignment)]
    held = satisfied(torch.from_numpy(clauses).expand(16, -1, -1), torch.from_numpy(ALL)).all(1)
    assert held.tolist() == [holds(clauses, assignment) for assignment in ALL]
    found = first_assignment(clauses, 4)
    if not right:
        assert found is None
        return
    assert found.tolist() == right[0].tolist()
    frozen = sum(len({assignment[variable] for assignment in right}) == 1 for variable in range(4))
    assert hardness(clauses, found)[1] == frozen


@given(clauses_of_four, st.permutations(range(4)), st.lists(st.booleans(), min_size=4, max_size=4), st.randoms())
def test_hash_is_the_same_for_every_renaming_negation_and_order(clauses, names, negated, random):
    image = [[(names[abs(v) - 1] + 1) * (-1 if (v < 0) != negated[abs(v) - 1] else 1) for v in row] for row in clauses]
    for row in image:
        random.shuffle(row)
    random.shuffle(image)
    assert hashes(clauses[None], 4) == hashes(np.array([image]), 4)


def test_formulas_that_differ_in_a_sign_have_other_hashes():
    formulas = generate(Size(9, 38), 50).clauses.numpy()
    changed = formulas.copy()
    changed[:, 0, 0] *= -1
    assert not (hashes(formulas, 9) == hashes(changed, 9)).any()
    assert len(np.unique(hashes(formulas, 9))) == 50


@given(st.integers(0, 9), st.integers(0, 500), st.integers(1, 4), st.integers(1, 4))
def test_formula_is_the_same_in_every_range(seed, first, before, count):
    wide = generate(SMALL, before + count, seed=seed, first=first)
    narrow = generate(SMALL, count, seed=seed, first=first + before)
    assert torch.equal(wide.clauses[before:], narrow.clauses)
    assert torch.equal(wide.assignment[before:], narrow.assignment)


def test_generated_formulas_have_different_ordered_clauses_of_three_variables():
    formulas = generate(Size(9, 38), 100, "test")
    for clauses in formulas.clauses.tolist():
        assert len({tuple(clause) for clause in clauses}) == 38
        assert all(abs(a) < abs(b) < abs(c) for a, b, c in clauses)
        assert [list(map(abs, clause)) for clause in clauses] == sorted(list(map(abs, clause)) for clause in clauses)
    assert satisfied(formulas.clauses, formulas.assignment).all()
    assert (formulas.clauses > 0).float().mean() == pytest.approx(0.5, abs=0.03)


def test_splits_share_no_formula_up_to_names_and_signs():
    data = SatisfiabilityData(4, 4, held_out_problems=40)
    sets = [data.training(0, 400), data.validation, data.test]
    keys = [set(hashes(one.clauses.numpy(), 4).tolist()) for one in sets]
    assert [len(keys[0] & keys[1]), len(keys[0] & keys[2]), len(keys[1] & keys[2])] == [0, 0, 0]
    assert len(keys[0]) < 200  # most formulas of this size come again, up to names and signs


def test_reference_is_right_and_a_variable_of_one_possible_value_decides():
    task, formulas = SatisfiabilityTask(Size(9, 38)), generate(Size(9, 38), 60)
    answers = task.targets(formulas)
    grades = task.grades(answers, formulas)
    assert grades["valid"].all()
    assert (grades["satisfied"] == 1).all()
    for variable in range(9):
        changed = answers.clone()
        changed[:, variable] = torch.where(answers[:, variable] < 9, answers[:, variable] + 9, answers[:, variable] - 9)
        expected = [
            holds(clauses, [value != (place == variable) for place, value in enumerate(assignment)])
            for clauses, assignment in zip(formulas.clauses.tolist(), formulas.assignment.tolist(), strict=True)
        ]
        assert (task.grades(changed, formulas)["valid"] == 1).tolist() == expected


@pytest.mark.parametrize("token", [1, 5, 8, 9])
def test_token_of_another_variable_or_blank_is_no_value(token):
    task = SatisfiabilityTask(Size(4, 1))
    formulas = Formulas(torch.tensor([[[1, 2, 3]]]), torch.tensor([[False, False, True, False]]))
    answers = task.targets(formulas)
    assert task.grades(answers, formulas)["valid"].item() == 1
    answers[0, 0] = token
    assert task.grades(answers, formulas)["valid"].item() == 0


def test_board_has_the_assignment_and_then_a_clause_in_each_box():
    task = SatisfiabilityTask(Size(4, 3))
    formulas = Formulas(
        torch.tensor([[[-1, 2, -4], [1, 3, 0], [0, 0, 0]]]), torch.tensor([[False, True, False, False]])
    )
    symbols = [task.layout.symbols[token] for token in task.targets(formulas)[0]]
    assert symbols[:6] == ["¬1", "2", "¬3", "¬4", " ", " "]
    assert symbols[6:] == ["¬1", "2", "¬4", "1", "3", " ", *" " * 6]
    assert task.decode(task.targets(formulas)[0]) == "v -1 2 -3 -4 0"
    assert task.decode(task.queries(formulas).tokens[0]) == "v ? ? ? ? 0"
    assert task.queries(formulas).editable[0].tolist() == [True] * 4 + [False] * 14
    assert task.positions.amax(0).tolist() == [2, 5, 5]


@pytest.mark.parametrize(
    ("size", "sentence"),
    [((2, 1), "3 to 200 variables, not 2"), ((3, 9), "9 clauses are too few or too many"), ((9, 0), "use about 38")],
)
def test_impossible_sizes_are_refused(size, sentence):
    with pytest.raises(ValueError, match=sentence):
        Size(*size)


def test_too_many_clauses_to_be_satisfied_are_an_error():
    with pytest.raises(ValueError, match="hardly any formula of 32 clauses and 4 variables can be satisfied"):
        generate(Size(4, 32), 1)


def test_missing_solver_is_named_with_its_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'adaptive-diffusion\[tasks\]'"):
        generate(SMALL, 1)
