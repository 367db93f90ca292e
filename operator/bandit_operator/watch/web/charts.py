"""Lines over time on a plane, ready for a template to draw. Pure.

Drawn by hand rather than by a library: those of Python write styles into the picture, which the page's own
Content-Security-Policy refuses and which know no dark mode, and they bring no texts for screen readers.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 12.0, 40.0
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between two marks of the time axis."""
LOWEST_EVIDENCE, HIGHEST_EVIDENCE = 1e-3, 1e12
"""e-values beyond these are drawn at the edge: what they say is the same."""

Values = Sequence[tuple[float, float | None]]
"""(time, value); None where it is not known."""
Bands = Sequence[tuple[float, tuple[float, float] | None]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One arm's line: its stretches, what lies around it, and points that stand alone."""

    name: str
    style: int
    """Number of its colour and dashes."""
    stretches: tuple[str, ...]
    bands: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture; coordinates are those of its view box."""

    id: str
    title: str
    description: str
    axis: str
    """What the vertical axis measures, with its unit."""
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    threshold: Tick | None = None
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value; what lies beyond an end is drawn there."""
        part = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(part, 0.0), 1.0) * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart is called and says."""

    id: str
    title: str
    description: str
    axis: str


def shares(words: Words, series: Mapping[str, Values], until: float) -> Chart | None:
    """Shares of the traffic, as steps from one decision to the next."""
    x = _time_scale(series, until)
    if x is None:
        return None
    y = Scale(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    ticks = tuple(Tick(y(part), f"{part:.0%}") for part in (0.0, 0.25, 0.5, 0.75, 1.0))
    lines = [
        _line(name, i, _stepped(values, until), {}, x, y) for i, (name, values) in enumerate(series.items())
    ]
    return _chart(words, lines, x, ticks)


def means(words: Words, series: Mapping[str, Values], intervals: Mapping[str, Bands]) -> Chart | None:
    """Mean rewards, with their intervals around them."""
    x = _time_scale(series, None)
    known = [value for values in series.values() for _, value in values if value is not None]
    if x is None or not known:
        return None
    known += [end for bands in intervals.values() for _, band in bands if band for end in band]
    low, high, step = _nice(min(known), max(known))
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    count = round((high - low) / step)
    ticks = tuple(Tick(y(low + i * step), _figure(low + i * step, step)) for i in range(count + 1))
    lines = [
        _line(name, i, values, dict(intervals.get(name, ())), x, y)
        for i, (name, values) in enumerate(series.items())
    ]
    return _chart(words, lines, x, ticks)


def evidence(words: Words, series: Mapping[str, Values], threshold: float | None) -> Chart | None:
    """e-values on a logarithmic axis, with the threshold."""
    x = _time_scale(series, None)
    logs = {name: [(at, _log(value)) for at, value in values] for name, values in series.items()}
    known = [value for values in logs.values() for _, value in values if value is not None]
    if x is None or not known:
        return None
    known += [0.0] if threshold is None else [0.0, math.log10(threshold)]
    low, high = math.floor(min(known)), math.ceil(max(known) + 0.1)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP)
    step = max(1, math.ceil((high - low) / 6))
    ticks = tuple(Tick(y(power), _power(power)) for power in range(low, high + 1, step))
    bar = None if threshold is None else Tick(y(math.log10(threshold)), f"rolled back at {threshold:g}")
    # The baseline has no evidence, but a colour, which the others must not take.
    lines = [_line(name, i, values, {}, x, y) for i, (name, values) in enumerate(logs.items())]
    return _chart(words, [one for one in lines if one.stretches or one.dots], x, ticks, bar)


def _chart(
    words: Words, lines: Sequence[Line], x: Scale, ticks: tuple[Tick, ...], threshold: Tick | None = None
) -> Chart:
    return Chart(
        words.id, words.title, words.description, words.axis, tuple(lines), _times(x), ticks, threshold
    )


def _line(
    name: str,
    style: int,
    values: Values,
    bands: Mapping[float, tuple[float, float] | None],
    x: Scale,
    y: Scale,
) -> Line:
    stretches, areas, dots = [], [], []
    for stretch in _known(values):
        points = [(x(at), y(value)) for at, value in stretch]
        if len(points) == 1:
            dots.append(points[0])
        else:
            stretches.append(_points(points))
        around = [(x(at), band) for at, _ in stretch if (band := bands.get(at))]
        if len(around) > 1:
            lower = [(at, y(band[0])) for at, band in around]
            areas.append(_points([*((at, y(band[1])) for at, band in around), *reversed(lower)]))
    return Line(name, style, tuple(stretches), tuple(areas), tuple(dots))


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _known(values: Values) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    result: list[list[tuple[float, float]]] = [[]]
    for at, value in values:
        if value is not None:
            result[-1].append((at, value))
        elif result[-1]:
            result.append([])
    return [stretch for stretch in result if stretch]


def _stepped(values: Values, until: float) -> list[tuple[float, float | None]]:
    """The same as steps: a value holds until the next one, the last one until now."""
    result: list[tuple[float, float | None]] = []
    for (at, value), (following, _) in zip(values, [*values[1:], (until, None)], strict=True):
        result += [(at, value), (following, value)]
    return result


def _time_scale(series: Mapping[str, Values], until: float | None) -> Scale | None:
    times = [at for values in series.values() for at, _ in values] + ([] if until is None else [until])
    if not any(series.values()):
        return None
    low, high = min(times), max(times)
    return Scale(low, max(high, low + 1.0), LEFT, WIDTH - RIGHT)


def _times(x: Scale) -> tuple[Tick, ...]:
    """At most five marks of the time axis, at round times, in UTC."""
    span = x.high - x.low
    step = next((one for one in TIME_STEPS if span / one <= 4), math.ceil(span / 4 / 86400) * 86400)
    pattern = "%m-%d" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    first = math.ceil(x.low / step) * step
    marks = range(first, math.floor(x.high) + 1, step)
    return tuple(
        Tick(x(at), datetime.datetime.fromtimestamp(at, datetime.UTC).strftime(pattern)) for at in marks
    )


def _nice(low: float, high: float) -> tuple[float, float, float]:
    """A range with round ends around two values, and the step of its marks."""
    if low == high:
        around = abs(high) / 2 or 0.5
        low, high = low - around, high + around
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    return math.floor(low / step) * step, (math.floor(high / step) + 1) * step, step


def _figure(value: float, step: float) -> str:
    """A mark of an axis, with the digits that tell it from the next one."""
    if abs(value) + step >= 1e6:
        return f"{value:.4g}"
    digits = max(0, math.ceil(-math.log10(step)))
    return f"{value:.{digits if round(step, digits) == step else digits + 1}f}"


def _log(value: float | None) -> float | None:
    return None if value is None else math.log10(min(max(value, LOWEST_EVIDENCE), HIGHEST_EVIDENCE))


def _power(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{power}"
