"""Record what pymcdm (pip install pymcdm) says of some decision tables: python tests/scorers/record_pymcdm.py"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pymcdm.methods import TOPSIS, WSM
from pymcdm.normalizations import vector_normalization


def as_given(column, cost=False):
    return -column if cost else column


def cases():
    random = np.random.default_rng(20)
    for rows, columns in ((4, 2), (8, 5), (40, 6)):
        yield f"{rows} x {columns}", random.lognormal(0, 1, (rows, columns)), random.choice([-1, 1], columns)
    tied = random.integers(1, 4, (20, 3)).astype(float)
    yield "ties", tied, np.array([-1, 1, -1])


answer = []
for name, matrix, types in cases():
    matrix = np.round(matrix, 6)
    weights = np.round(np.random.default_rng(len(matrix)).dirichlet(np.ones(len(types))), 6)
    topsis = TOPSIS(vector_normalization)(matrix, weights, types)
    total = WSM(normalization_function=as_given)(matrix, weights, types)
    answer.append({"name": name, "matrix": matrix.tolist(), "weights": weights.tolist(), "types": types.tolist(),
                   "topsis": topsis.tolist(), "weighted_sum": total.tolist()})
path = Path(__file__).parent / "data" / "pymcdm.json"
path.write_text(json.dumps({"pymcdm": version("pymcdm"), "cases": answer}) + "\n")
