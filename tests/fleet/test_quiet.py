import os

import numpy as np

from advisor_fleet.program import Program, solve
from advisor_fleet.quiet import without_solver_output

LINE = b"HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();\n"


def test_the_solver_prints_nothing_for_those_who_embed_it(capfd):
    """These programs made HiGHS 1.12 print lines of its own."""
    random = np.random.default_rng(0)
    for _ in range(12):
        kinds, classes = int(random.integers(3, 30)), int(random.integers(1, 40))
        fixed = np.exp(random.normal(0.5, 1, kinds))
        capacity = np.exp(random.normal(0, 2, (kinds, classes))) * fixed[:, None]
        demand = np.exp(random.normal(1, 2)) * random.dirichlet(np.full(classes, 0.3))
        assert solve(Program(fixed, capacity, demand[None], np.ones(1)), gap=0.0) is not None
    assert capfd.readouterr().out == ""


def test_what_others_write_meanwhile_is_kept(capfd):
    with without_solver_output():
        os.write(1, b"before\n" + LINE)
        with without_solver_output():  # another thread solves too
            os.write(1, LINE + b"between\n")
        os.write(1, b"after, and no end of line")
    os.write(1, b"; later\n")
    assert capfd.readouterr().out == "before\nbetween\nafter, and no end of line; later\n"
