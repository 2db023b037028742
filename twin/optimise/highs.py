"""The border to HiGHS: a linear programme in sparse arrays in, its optimum and its prices out."""

from typing import NamedTuple

import highspy
import numpy as np
from scipy.sparse import csc_array

from twin.errors import TwinError
from twin.model import Floats

SIMPLEX_LIMIT = 40_000
"""Columns above which the interior point method is the faster one on flow programmes."""


class LinearProgram(NamedTuple):
    """Minimise `cost @ x` with `row_lower <= matrix @ x <= row_upper` and `x >= 0`. c columns, r rows."""

    cost: Floats  # [c]
    matrix: csc_array  # [r, c]
    row_lower: Floats  # [r]
    row_upper: Floats  # [r]


class LinearOptimum(NamedTuple):
    """The optimum; `price[i]` is how much it falls when row i's active bound is raised by one."""

    value: float
    x: Floats  # [c]
    price: Floats  # [r]


def solve(programme: LinearProgram) -> LinearOptimum:
    """Solve a linear programme on one thread: simplex up to `SIMPLEX_LIMIT` columns, interior point above.

    Raises `TwinError` when there is no finite optimum.
    """
    solver = _solver(programme)
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise TwinError(
            f"the linear programme has no optimum: {solver.modelStatusToString(status)}",
            fix="check demands and capacities for extreme values",
        )
    solution = solver.getSolution()
    return LinearOptimum(
        value=float(solver.getInfo().objective_function_value),
        x=np.asarray(solution.col_value, dtype=np.float64),
        price=np.asarray(solution.row_dual, dtype=np.float64),
    )


def _solver(programme: LinearProgram) -> highspy.Highs:
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        solver.setOptionValue(option, value)
    if programme.cost.size > SIMPLEX_LIMIT:
        solver.setOptionValue("solver", "ipm")
        solver.setOptionValue("run_crossover", "off")
    else:
        solver.setOptionValue("solver", "simplex")
    solver.passModel(_model(programme))
    return solver


def _model(programme: LinearProgram) -> highspy.HighsLp:
    model = highspy.HighsLp()
    rows, columns = programme.matrix.shape
    model.num_row_, model.num_col_ = rows, columns
    model.col_cost_ = programme.cost
    model.col_lower_ = np.zeros(columns)
    model.col_upper_ = np.full(columns, highspy.kHighsInf)
    model.row_lower_, model.row_upper_ = programme.row_lower, programme.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.num_row_, model.a_matrix_.num_col_ = rows, columns
    model.a_matrix_.start_ = programme.matrix.indptr
    model.a_matrix_.index_ = programme.matrix.indices
    model.a_matrix_.value_ = programme.matrix.data
    return model
