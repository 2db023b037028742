"""Traffic matrices from link loads, held to published matrices and to exact cases."""

import numpy as np
import pytest

from tests.benchmarks.geant_forecast import DATA
from twin.errors import InputError
from twin.formats import load_network, read_network, read_traffic
from twin.observe.estimation import MEASURED_ERROR, estimate_matrix, gravity
from twin.sim.simulate import simulate


def misplaced(estimate, truth):
    """Sum of absolute errors over the sum of the truth (NMAE)."""
    return np.abs(estimate - truth).sum() / truth.sum()


def estimated(network, demands):
    state = network.with_demands(demands)
    return estimate_matrix(state, simulate(state).load, demands.sum(axis=1), demands.sum(axis=0))


@pytest.mark.parametrize(("name", "least", "most"), [("sndlib/abilene", 0.30, 0.40), ("sndlib/geant", 0.44, 0.53)])
def test_tomogravity_comes_as_close_to_published_matrices_as_is_known_of_it(name, least, most):
    network = load_network(name)
    demands = network.demands
    found = estimated(network, demands)
    assert least < misplaced(found.demands, demands) < most
    assert misplaced(found.demands, demands) < 0.8 * misplaced(gravity(demands.sum(1), demands.sum(0)), demands)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no GEANT data in {DATA}; set TWINOPS_DATA")
def test_measured_geant_is_estimated_within_the_stated_error():
    network = read_network(DATA / "GEANT.json")
    for demands in read_traffic(DATA / "traffic.parquet", network).demands[::160]:
        found = estimated(network, demands)
        assert misplaced(found.demands, demands) < MEASURED_ERROR[1]
        assert found.report.unexplained < 0.01


def test_the_estimate_reproduces_loads_and_totals():
    network = load_network("sndlib/nobel-germany")
    demands = network.demands
    found = estimated(network, demands)
    np.testing.assert_allclose(
        simulate(network.with_demands(found.demands)).load, simulate(network).load, rtol=1e-3, atol=1.0
    )
    np.testing.assert_allclose(found.demands.sum(axis=1), demands.sum(axis=1), rtol=1e-3)
    assert (found.demands >= 0).all()


def test_a_matrix_that_is_gravity_is_found_exactly():
    network = load_network("topozoo/Abilene")
    true = gravity(np.arange(1.0, 12), np.arange(11.0, 0, -1))
    found = estimated(network, true)
    assert misplaced(found.demands, true) < 1e-6
    assert found.report.moved < 1e-6


def test_gravity_keeps_its_totals():
    origin, destination = np.array([5.0, 3.0, 2.0]), np.array([4.0, 4.0, 2.0])
    matrix = gravity(origin, destination)
    np.testing.assert_allclose(matrix.sum(axis=1), origin, rtol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=0), destination, rtol=1e-6)
    assert not matrix.diagonal().any()


def test_without_loads_it_stays_at_gravity_and_says_so():
    network = load_network("topozoo/Abilene")
    totals = network.demands.sum(axis=1), network.demands.sum(axis=0)
    found = estimate_matrix(network, np.full(len(network.links), np.nan), *totals)
    assert found.report.method == "gravity"
    assert "no link load was given" in found.report.statement


def test_totals_and_loads_that_cannot_be_are_clear_errors():
    network = load_network("topozoo/Abilene")
    ones = np.ones(len(network.nodes))
    for bad in (-ones, ones * np.nan, ones * 0):
        with pytest.raises(InputError):
            gravity(bad, ones)
    with pytest.raises(InputError, match="loads are not for"):
        estimate_matrix(network, np.ones(3), ones, ones)
