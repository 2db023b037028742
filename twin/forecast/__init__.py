"""Forecasts of whole traffic matrices, with intervals, never worse on their backtest than the plainest methods."""

from .forecast import forecast
from .report import Forecast, ForecastReport, HorizonForecast
from .series import Series, arrange
from .sources import forecast_of, matrix_series, measured_series

__all__ = [
    "Forecast",
    "ForecastReport",
    "HorizonForecast",
    "Series",
    "arrange",
    "forecast",
    "forecast_of",
    "matrix_series",
    "measured_series",
]
