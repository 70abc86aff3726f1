"""The integer program against Mélange's published example, hand-worked cases, and enumeration."""

from itertools import product

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy.optimize import linprog

from advisor_fleet.program import Limit, Program, marginal_prices, solve

# The example of Mélange's repository (github.com/tyler-griggs/melange-release, melange/config/example.json), whose
# README gives the answer: 3 A10G and 1 A100-80GB for $6.7/h.
MELANGE = {
    "fixed": np.array([1.01, 3.67]),
    "capacity": np.array([[2.0, 1, 5, 2], [20, 20, 40, 20]]),
    "demand": 30 * np.array([[0.2, 0.1, 0.5, 0.2]]),
    "weights": np.ones(1),
}


def test_the_published_example():
    found = solve(Program(**MELANGE, slices=1))
    assert found.units.tolist() == [[3, 1]]
    assert found.value == pytest.approx(6.70)
    assert found.proved
    assert found.gap <= 1e-3


def test_requests_that_divide_need_less():
    """By hand: the A100 is over by 0.125 of itself, which one A10G takes of the third size at 5 a second."""
    found = solve(Program(**MELANGE))
    assert found.units.tolist() == [[1, 1]]
    assert found.value == pytest.approx(1.01 + 3.67)


def cheapest_by_enumeration(program, most):
    """Every number of units, and a linear program for whether they carry the demand: not how ``solve`` does it."""
    kinds, classes = program.capacity.shape
    total = 0.0
    for hour, weight in enumerate(program.weights):
        best = np.inf
        for units in product(range(most + 1), repeat=kinds):
            price = np.dot(units, program.fixed)
            if price >= best:
                continue
            share = np.eye(classes)  # share[j, b] of class b that kind j carries
            equal = np.tile(share, kinds)
            with np.errstate(divide="ignore"):
                loads = np.where(program.capacity > 0, program.demand[hour] / program.capacity, 1e9)
            load = np.zeros((kinds, kinds * classes))
            for kind in range(kinds):
                load[kind, kind * classes : (kind + 1) * classes] = loads[kind]
            fits = linprog(np.zeros(kinds * classes), load, units, equal, np.ones(classes), bounds=(0, 1)).status == 0
            if fits:
                best = price
        total += weight * best
    return total


@pytest.mark.parametrize("seed", range(12))
def test_no_other_plan_is_cheaper(seed):
    random = np.random.default_rng(seed)
    capacity = random.uniform(1, 10, (3, 2)) * (random.random((3, 2)) > 0.2)
    capacity[2] = random.uniform(5, 30, 2)
    program = Program(fixed=random.uniform(0.5, 6, 3), capacity=capacity, demand=random.uniform(0, 12, (2, 2)),
                      weights=np.array([0.25, 0.75]))  # fmt: skip
    found = solve(program, gap=0.0)
    assert found.value == pytest.approx(cheapest_by_enumeration(program, 6), rel=1e-6)
    load = np.where(capacity > 0, found.flow / np.maximum(capacity, 1e-9), 0).sum(axis=2)
    assert (load <= found.units + 1e-6).all()
    assert found.flow.sum(axis=1) == pytest.approx(program.demand)
    assert found.bound <= found.value + 1e-9


def test_committed_units_are_paid_for_in_every_hour():
    """A kind at 60 % of the price, but paid all day: worth it for the base, not for a peak of an hour in four."""
    program = Program(fixed=np.array([1.0, 0.6]), capacity=np.array([[1.0], [1.0]]), demand=np.array([[1.0], [3.0]]),
                      weights=np.array([0.75, 0.25]), committed=np.array([False, True]))  # fmt: skip
    found = solve(program, gap=0.0)
    assert found.units.tolist() == [[0, 1], [2, 1]]
    assert found.value == pytest.approx(0.6 + 0.25 * 2)


def test_divisible_units_are_paid_for_by_use():
    program = Program(fixed=np.array([8.0]), capacity=np.array([[4.0]]), demand=np.array([[1.0]]), weights=np.ones(1),
                      divisible=np.array([True]))  # fmt: skip
    assert solve(program).value == pytest.approx(2.0)


def test_limits_and_least_units():
    base = {"fixed": np.array([1.0, 4.0]), "capacity": np.array([[10.0], [100.0]]), "demand": np.array([[115.0]]),
            "weights": np.ones(1)}  # fmt: skip
    assert solve(Program(**base)).units.tolist() == [[2, 1]]
    few = Limit("devices", 2.0, np.ones(2))
    found = solve(Program(**base, limits=[few]))
    assert found.units.tolist() == [[0, 2]]
    assert found.slack["devices"] == pytest.approx(0.0)
    assert solve(Program(**base, limits=[Limit("devices", 1.0, np.ones(2))])) is None
    assert solve(Program(**base, least=[("spare", np.array([True, True]), 4.0)])).units.tolist() == [[3, 1]]


def test_a_mean_limit_holds_over_the_day_not_in_each_hour():
    limit = Limit("carbon", 1.5, np.array([1.0, 0.0]), mean=True)
    program = Program(fixed=np.array([1.0, 3.0]), capacity=np.ones((2, 1)), demand=np.array([[1.0], [3.0]]),
                      weights=np.array([0.5, 0.5]), limits=[limit])  # fmt: skip
    found = solve(program, gap=0.0)
    assert found.units[:, 0].mean() == pytest.approx(1.5)
    assert found.value == pytest.approx(1.5 + 3 * 0.5)


def test_prices_of_requests():
    """In the relaxation a request a second costs a unit's price over its capacity."""
    program = Program(fixed=np.array([1.0, 4.0]), capacity=np.array([[10.0], [100.0]]), demand=np.array([[115.0]]),
                      weights=np.ones(1))  # fmt: skip
    demand, _ = marginal_prices(program)
    assert demand.item() == pytest.approx(0.04)


def test_flow_prices_move_requests():
    """Idle the first is cheaper, at load the second."""
    program = Program(fixed=np.array([1.0, 2.0]), flow=np.array([[1.0], [0.0]]), capacity=np.array([[5.0], [5.0]]),
                      demand=np.array([[3.0]]), weights=np.ones(1))  # fmt: skip
    assert solve(program).units.tolist() == [[0, 1]]
