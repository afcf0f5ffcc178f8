"""`flowfeat segmentation compare`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.wording import counted
from segmentation.evaluation.comparison import Comparison, MeasureComparison, Protocol, compare, default_protocol
from segmentation.evaluation.paired import ResamplingSettings, smallest_p_value
from segmentation.evaluation.result_folder import OF_TRACKS, dataset_of, open_results


@dataclass(frozen=True)
class Compare:
    """Two results of the same shots: which is better, and how much of that is the choice of shots.

    flowfeat segmentation compare RESULT_A RESULT_B

    flowfeat segmentation compare masks_a masks_b --root DAVIS --protocol davis
    """

    first: Positional[Path]
    """A result of `segmentation run`, or a folder with SHOT/00000.png or SHOT/*.dat, as `evaluate` takes it."""
    second: Positional[Path]
    """Another one; differences are the first less the second."""
    root: Path | None = None
    """The data set; results of `segmentation run` know theirs. Of bideau, the corrected ground truth."""
    protocol: Protocol | None = None
    """As of `evaluate`; if not given, moseg on FBMS-59 and binary-j on DAVIS."""
    window: Literal["10", "50", "200", "all"] = "all"
    """Of the protocols of FBMS-59 that score points: how many frames from the first are scored, as of `evaluate`."""
    frames: Path | None = None
    """Of bideau: a folder with SHOT/ and the pictures in it, as of `evaluate`."""
    seed: int = 0
    """Of the shots that are drawn."""
    json: bool = False
    """Print the comparison as JSON on standard output."""

    def run(self) -> int:
        found = self._compare()
        result_json(_json(found)) if self.json else result(_text(found))
        return INCOMPLETE if found.other_settings_first or found.other_settings_second else DONE

    def _compare(self) -> Comparison:
        protocol, root = self.protocol, self.root
        if protocol is None:
            root = root or dataset_of(None, self.first, self.second)
            protocol = default_protocol(root)
        first, second = open_results(self.first, protocol), open_results(self.second, protocol)
        root = root or dataset_of(protocol, self.first, self.second)
        if self.window != "all" and protocol not in OF_TRACKS:
            raise InputError(f"--window {self.window}: {protocol} scores whole shots; leave it out")
        if self.frames is not None and protocol != "bideau":
            raise InputError(f"--frames {self.frames}: {protocol} needs no pictures; leave it out")
        window = None if self.window == "all" else int(self.window)
        with CountBar("results") as progress:
            return compare(
                root, first, second, protocol, ResamplingSettings(seed=self.seed), window, self.frames, progress
            )


def _json(found: Comparison) -> dict[str, Any]:
    return {
        "protocol": found.protocol,
        "root": found.root,
        "first": found.first,
        "second": found.second,
        "window": "all" if found.window is None else found.window,
        "shots": found.shots,
        "measures": {
            measure.measure: {
                "unit": measure.unit,
                "higher_is_better": measure.higher_is_better,
                **asdict(measure.paired),
                "few_shots": measure.paired.few_shots,
                "one_cluster": {"first": measure.one_cluster[0], "second": measure.one_cluster[1]},
                "sequences": {
                    shot.name: {"first": shot.first, "second": shot.second, "difference": shot.difference}
                    for shot in measure.shots
                },
            }
            for measure in found.measures
        },
        "only_first": found.only_first,
        "only_second": found.only_second,
        "other_settings_first": found.other_settings_first,
        "other_settings_second": found.other_settings_second,
        "not_evaluated": found.not_evaluated,
        "shorter": found.shorter,
        "without_truth": found.without_truth,
        "resampling": asdict(found.settings),
    }


def _text(found: Comparison) -> str:
    lines = [
        f"{found.protocol} on {found.root}, {_window(found)}{counted(found.shots, 'shot')}",
        f"A: {found.first}",
        f"B: {found.second}",
        "",
        _shots(found),
        "",
        *(_verdict(found, measure) for measure in found.measures),
    ]
    if found.measures[0].paired.few_shots:
        lines.append(_few(found.shots))
    for told, names in (
        ("only A has", found.only_first),
        ("only B has", found.only_second),
        ("of A, made with other settings than its run's", found.other_settings_first),
        ("of B, made with other settings than its run's", found.other_settings_second),
        ("nothing to evaluate in one of them, in no number", found.not_evaluated),
        ("skipped, shorter than the window", found.shorter),
        ("in both and without ground truth", found.without_truth),
    ):
        if names:
            lines.append(f"{told} ({len(names)}): {', '.join(names)}")
    return "\n".join(lines)


def _window(found: Comparison) -> str:
    if found.protocol not in OF_TRACKS:
        return ""
    return "all frames, " if found.window is None else f"{found.window} frames, "


def _shots(found: Comparison) -> str:
    """A row a shot by the first measure's difference, then the data set and the baseline."""
    head = ["shot"]
    for measure in found.measures:
        head += [f"{measure.measure} A", "B", "A - B"]
    rows = {shot.name: [shot.name] for shot in found.measures[0].shots}
    for measure in found.measures:
        for shot in measure.shots:
            rows[shot.name] += _cells(measure, shot.first, shot.second)
    whole, alone = ["all"], ["  one cluster"]
    for measure in found.measures:
        whole += _cells(measure, measure.paired.first, measure.paired.second)
        alone += _cells(measure, *measure.one_cluster)
    return columns([head, *rows.values(), whole, alone], right=range(1, len(head)))


def _cells(measure: MeasureComparison, first: float, second: float) -> list[str]:
    return [_number(measure, first), _number(measure, second), _signed(measure, first - second)]


def _verdict(found: Comparison, measure: MeasureComparison) -> str:
    paired = measure.paired
    told = f"{measure.measure}: A - B {_signed(measure, paired.difference)}"
    if paired.interval is None or paired.first_better is None or paired.second_better is None or paired.p_value is None:
        return f"{told}; one shot has no interval"
    low, high = (_signed(measure, bound) for bound in paired.interval)
    better = "" if measure.higher_is_better else " (less is better)"
    return (
        f"{told}, {100 * found.settings.confidence:g} % interval {low} to {high}; of {found.settings.resamples} "
        f"resamples of the shots A is better in {100 * paired.first_better:.1f} %, B in "
        f"{100 * paired.second_better:.1f} %{better}; permutation p {paired.p_value:.3g}"
    )


def _few(shots: int) -> str:
    if shots == 1:
        return "1 shot tells nothing of others."
    return (
        f"{shots} shots are few: the interval tells little, and even if one result were better in each of them, p "
        f"could not be below {smallest_p_value(shots):.2g}."
    )


def _number(measure: MeasureComparison, value: float) -> str:
    """Percent, or a count."""
    return f"{value:.0f}" if measure.unit == "count" else f"{_percent(measure, value):.2f}"


def _signed(measure: MeasureComparison, value: float) -> str:
    # Rounded first, so that nothing is told as -0.00; bounds of an interval of counts may be halves.
    if measure.unit == "count":
        return f"{round(value, 1) + 0.0:+.1f}".removesuffix(".0")
    return f"{round(_percent(measure, value), 2) + 0.0:+.2f}"


def _percent(measure: MeasureComparison, value: float) -> float:
    return 100 * value if measure.unit == "fraction" else value
