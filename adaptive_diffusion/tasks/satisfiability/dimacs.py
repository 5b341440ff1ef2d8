"""The lines of DIMACS files: `p cnf VARIABLES CLAUSES`, then literals, each clause ended by 0."""

from dataclasses import dataclass, field

from adaptive_diffusion.tasks.lines import shortened
from adaptive_diffusion.tasks.satisfiability.formulas import WIDTH, Size

MOST_DIGITS = 9
FORM = "write `p cnf VARIABLES CLAUSES`, then each clause as literals that end with 0, such as `1 -4 7 0`"


@dataclass
class Entry:
    """A formula as a file writes it.

    Attributes:
        line: where it begins, from 1.
        variables, promised: numbers of variables and clauses by its header.
        clauses: those read so far, of different literals each.
        spoiled: a line of it was bad and was reported, so that it cannot be used.
    """

    line: int
    variables: int
    promised: int
    clauses: list[tuple[int, ...]] = field(default_factory=list)
    clause: list[int] = field(default_factory=list)
    spoiled: bool = False

    def read(self, words: list[str]) -> None:
        """Literals, which may begin, end or continue a clause.

        Raises:
            ValueError: what is no literal of this formula, or a clause of more than three.
        """
        for word in words:
            literal = number_of(word.removeprefix("-")) * (-1 if word.startswith("-") else 1)
            if abs(literal) > self.variables:
                raise ValueError(
                    f"literal {literal}, where the header has {self.variables} variables; correct one of both"
                )
            if literal:
                self.clause.append(literal)
                continue
            distinct = tuple(sorted(set(self.clause), key=lambda each: (abs(each), each)))
            if len(distinct) > WIDTH:
                raise ValueError(f"a clause of {len(distinct)} literals; split it into clauses of {WIDTH}")
            if not distinct:
                raise ValueError("a clause without literals, which nothing satisfies; leave it out")
            self.clauses.append(distinct)
            self.clause = []

    def finish(self) -> None:
        """The end of the formula.

        Raises:
            ValueError: other numbers of clauses than the header promises.
        """
        if self.clause:
            raise ValueError("the formula that begins here ends within a clause; end it with 0")
        if len(self.clauses) != self.promised:
            raise ValueError(
                f"the formula that begins here has {len(self.clauses)} clauses, its header {self.promised}; correct one"
            )


def header(line: int, words: list[str], size: Size) -> Entry:
    """A formula from the words of its first line.

    Raises:
        ValueError: another header, or a formula larger than the task's.
    """
    if len(words) != 4 or words[1] != "cnf":
        raise ValueError(f"{shortened(' '.join(words), 40)!r} is no header; {FORM}")
    variables, clauses = number_of(words[2]), number_of(words[3])
    if variables > size.variables or clauses > size.clauses or not variables:
        raise ValueError(
            f"{variables} variables and {clauses} clauses, where this task has 1 to {size.variables} and at most "
            f"{size.clauses}; leave it out, or use a task with task.variables and task.clauses as large"
        )
    return Entry(line, variables, clauses)


def number_of(word: str) -> int:
    """A whole number from 0 on.

    Raises:
        ValueError: anything else.
    """
    if not (word.isascii() and word.isdecimal()) or len(word) > MOST_DIGITS:
        raise ValueError(f"{shortened(word, 20)!r} is no whole number from 1 with at most {MOST_DIGITS} digits; {FORM}")
    return int(word)
