"""Record the first fronts that pymoo finds (pip install pymoo pytest): python tests/core/record_pymoo.py"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
from test_pareto import made

answer = []
for seed, (kind, columns) in enumerate([("trade-off", 4), ("alike", 5), ("duplicates", 3), ("duplicates", 6)]):
    losses = np.round(made(kind, 1500, columns, seed), 3)
    front = NonDominatedSorting().do(losses, only_non_dominated_front=True)
    answer.append({"kind": kind, "rows": 1500, "columns": columns, "seed": seed, "sum": float(losses.sum()),
                   "front": sorted(int(row) for row in front)})
path = Path(__file__).parent / "data" / "pymoo_fronts.json"
path.write_text(json.dumps({"pymoo": version("pymoo"), "cases": answer}) + "\n")
