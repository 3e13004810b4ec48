"""Contenders that take turns, and what came out: medians with their spread, ratios, targets."""

import datetime
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

NO_FIGURE = "–"


class WrongAnswer(Exception):
    """A contender did not do what it is measured for."""


class Fault(str):
    """Stands where a figure would, and says why there is none."""


def figure_or_fault(measure, *arguments):
    try:
        return measure(*arguments)
    except WrongAnswer as wrong:
        return Fault(wrong)


@dataclass
class Cost:
    wall: float  # seconds
    cpu: float

    def __sub__(self, other):
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


def in_turns(contenders, rounds):
    """{name: costs, or a Fault} of {name: function that returns a Cost}.

    In every round each runs once, and each is the first as often as the others. What is started
    for the first time is not counted. Whoever answers wrongly once is out, and gets no figure.
    """
    results = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(-1, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if not isinstance(results[name], Fault):
                cost = figure_or_fault(contenders[name])
                if isinstance(cost, Fault):
                    results[name] = cost
                elif number >= 0:
                    results[name].append(cost)
    return results


def values(result, what):
    """"wall" or "cpu" of each round; none of a Fault."""
    return [] if isinstance(result, Fault) else [getattr(cost, what) for cost in result]


@dataclass
class Figure:
    """A median, and the two quartiles beside it."""

    low: float
    median: float
    high: float

    def text(self, factor=1, digits=2):
        low, median, high = (f"{value * factor:.{digits}f}" for value in
                             (self.low, self.median, self.high))
        return f"{median} ({low}–{high})"


def figure(seen):
    if not seen:
        return None
    if len(seen) == 1:
        return Figure(*seen * 3)
    low, median, high = statistics.quantiles(seen, n=4, method="inclusive")
    return Figure(low, median, high)


def ratio(result, other, what):
    """Of the costs of the same round."""
    return figure([a / b for a, b in zip(values(result, what), values(other, what)) if b > 0])


def cell(found, factor=1, digits=2):
    return NO_FIGURE if found is None else found.text(factor, digits)


def table(head, rows):
    """The lines; the first column is to the left."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


class Report:
    """What a bench prints, and whether its targets are met."""

    def __init__(self):
        self.lines, self.targets = [], []

    def add(self, *lines):
        """A paragraph, which an empty line ends."""
        self.lines += ["\n".join(lines).strip(), ""]

    def add_faults(self, found):
        """Of {name: anything}, what is a Fault."""
        faults = [f"- {name}: {fault}" for name, fault in found.items()
                  if isinstance(fault, Fault)]
        if faults:
            self.add(*faults)

    def target(self, what, value, limit, at_least=False, unit=""):
        """None: there is no figure, and the target is missed."""
        met = value is not None and (value >= limit if at_least else value <= limit)
        seen = NO_FIGURE if value is None else f"{value:.2f}{unit}"
        bound = f"{'≥' if at_least else '≤'} {limit:g}{unit}"
        self.targets.append((what, bound, seen, "yes" if met else "**no**"))

    def finish(self):
        """Prints it; the exit code."""
        self.add(*table(["target", "wanted", "found", "met"], self.targets))
        print("\n".join(self.lines).rstrip())
        return 0 if all(met == "yes" for *_, met in self.targets) else 1


def machine(program):
    """On what, with what and when it was measured."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    cores = len(os.sched_getaffinity(0))
    return (f"{datetime.date.today()}, {version.stdout.strip()}, {processor()}, {cores} cores,"
            f" Linux {platform.release()}, {platform.machine()}.")


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "a processor without a name"
