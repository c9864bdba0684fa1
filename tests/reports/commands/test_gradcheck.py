"""`lenet-diag gradcheck` as a user meets it: the table, the mistakes in words, exit codes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from reports.commands.gradcheck import command


def gradcheck(*arguments: str) -> Result:
    few = ["--entries", "12", "--samples", "2"]
    return CliRunner().invoke(command, [*few, *arguments], catch_exceptions=False)


@pytest.mark.parametrize("network", ["feedforward", "conv-pool", "lenet"])
def test_all_gradients_of_a_network_are_right(network: str) -> None:
    result = gradcheck("--network", network, "--fail-on-mistake")
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert lines[0].split() == ["layer", "gradient", "relative", "error", "verdict", "compared"]
    assert "WRONG" not in result.stdout
    assert lines[-1].startswith("All gradients are right: ")
    assert any(line.startswith("loss") for line in lines)


def test_the_mistakes_of_the_reports_convolution_are_said_in_words() -> None:
    result = gradcheck("--convolution", "report", "--network", "lenet")

    assert result.exit_code == 0
    for sentence in (
        "conv1 (ReportConvolutionLayer):",
        "  - the output ignores input channels 0 to 4 of 6: changing them changes nothing",
        "  - dweights and dbiases: not reset between calls, each call adds to 1/2 of what the call before left",
        "  - dinputs: uses the kernel rotated by 180 degrees",
        "  - dweights: one value repeated over all elements of a kernel",
        "  - dweights: the batch size (2) is divided out once too often",
        "Mistakes in conv1, conv2; the other 12 of 14 parts are right.",
        "`--convolution exact` is the layer without these mistakes",
    ):
        assert sentence in result.stdout


def test_mistakes_are_an_exit_code_only_where_that_is_asked_for() -> None:
    wrong = ["--convolution", "report", "--network", "conv-pool", "--entries", "2"]

    assert gradcheck(*wrong, "--fail-on-mistake").exit_code == 1


def test_data_that_cannot_be_read_is_one_line_and_exit_code_3() -> None:
    result = gradcheck("--data", "no-such-folder")

    assert result.exit_code == 3
    assert "no-such-folder: no such folder" in result.stderr
