"""Charts keep gaps, scales and words honest."""

import re
from itertools import pairwise

import numpy as np
import pytest

from agents.show.report.chart import Moment, Panel, Series, draw
from agents.show.report.labels import text_width
from agents.show.report.timeline import arrange, charts

TIMES = np.arange(6) * 300.0


def panel(*values, **kwargs):
    series = [Series(f"line {i}", np.array(v, dtype=float)) for i, v in enumerate(values)]
    return Panel("title", TIMES, series, **kwargs)


def test_a_gap_in_the_samples_is_a_gap_in_the_line():
    assert draw(panel([1, 2, np.nan, 3, 4, 5])).lines[0].path.count("M") == 2


def test_higher_values_are_drawn_higher_and_inside_the_plot():
    chart = draw(panel([0, 1, 2, 3, 4, 5]))
    ys = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", chart.lines[0].path)]
    assert ys == sorted(ys, reverse=True)
    assert ys[0] == pytest.approx(chart.plot.bottom, abs=0.1)
    assert ys[-1] >= chart.plot.top


@pytest.mark.parametrize("peak", [0.004, 0.97, 1.0, 1.61, 77, 12_345])
def test_the_axis_ends_close_above_the_peak(peak):
    top = float(draw(panel([peak] * 6)).up[-1].text)
    assert peak * 0.999 <= top <= 2.1 * peak


@pytest.mark.parametrize("unit", ["%", " Mbit/s", " Mbit/s above all limits"])
def test_what_is_written_at_the_axis_is_inside_the_picture(unit):
    chart = draw(panel([1] * 6, write=lambda x: f"{x:.2f}{unit}"))
    assert all(text_width(x.text, 12) <= chart.plot.left - 8 for x in chart.up)


def test_the_limit_is_on_the_chart_even_when_nothing_reaches_it():
    chart = draw(panel([0.1] * 6, limit=0.8))
    assert chart.limit is not None
    assert chart.plot.top <= chart.limit.at <= chart.plot.bottom


def test_names_at_the_line_ends_keep_a_distance():
    chart = draw(panel(*[[1] * 6] * 5))
    ys = sorted(line.name_y for line in chart.lines)
    assert min(b - a for a, b in pairwise(ys)) > 10


def test_moments_outside_the_chart_are_left_out_and_close_ones_keep_their_line():
    moments = [Moment(t, "a long word here", "step") for t in (-100, 600, 601, 602, 603)]
    flags = draw(panel([1] * 6, moments=moments)).flags
    assert len(flags) == 4
    assert [bool(flag.label.text) for flag in flags] == [True, True, False, False]


@pytest.mark.parametrize("named", [True, False])
def test_what_is_written_at_the_edges_is_inside_the_picture(named):
    moments = [Moment(t, "agents start", "start") for t in (0, 1500)]
    chart = draw(panel([1] * 6, moments=moments), width=400, named=named)
    assert all(x.label.box.inside(chart.width, chart.height) for x in chart.flags)
    assert all(x.at + text_width(x.text, 10.5) / 2 <= chart.width for x in chart.across)


def test_nothing_measured_is_an_empty_chart():
    assert draw(panel([np.nan] * 6)).lines[0].path == ""


def test_samples_become_a_table_with_gaps(square, samples):
    grid = arrange(square, samples, since=0)
    assert grid.sent.shape == (6, 12)
    assert grid.sent[0, 8] == 20_000
    assert np.isnan(grid.sent[2, 0])
    assert np.isnan(grid.sent[:, 1]).all()


def test_the_busiest_links_are_on_the_timeline(square, samples):
    (loads, _), (harm, _) = charts(square, samples, [], limit=0.8)
    assert [line.name for line in loads.lines[:2]] == ["Aa → Ee", "Aa → Bb"]
    assert "at most 31 Gbit/s" in harm.lines[0].title  # 95 - 80 on the one, 48 - 32 on the other


def test_in_a_narrow_place_times_stay_apart_and_names_go_below_the_chart(square, samples):
    (_, narrow), _ = charts(square, samples, [], limit=0.8)
    assert narrow.width <= 400
    assert not narrow.named
    places = [tick.at for tick in narrow.across]
    assert all(later - earlier > text_width("00:00", 10.5) for earlier, later in pairwise(places))


def test_one_sample_is_no_timeline(square, samples):
    one = type(samples)(*(column[:2] for column in samples))
    assert charts(square, one, [], limit=0.8) == ()
