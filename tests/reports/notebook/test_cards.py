"""What a notebook shows of each object: its verdict, a sentence, a few facts and a small picture."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import diagnostics as ld
import lenet
from diagnostics.study import Arm, Study, StudyPlan
from reports.notebook import card, cards
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.rescue_results import rescue_in_which
from tests.helpers.small_trainings import small_model, train
from tests.test_representations import group

PNG = b"\x89PNG"


class CardText(HTMLParser):
    """The text of a card; every tag has to be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in ("br", "img") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def shown(one: Any) -> str:
    """The text that a notebook shows of an object."""
    return " ".join(CardText(one._repr_html_()).words)


def has_picture(one: Any) -> bool:
    found = re.search(r'src="data:image/png;base64,([^"]+)"', one._repr_html_())
    return found is not None and base64.b64decode(found[1]).startswith(PNG)


def test_a_run_shows_verdict_sentence_facts_and_its_loss() -> None:
    run = synthetic.dead(120)
    text = shown(run)

    assert text.startswith(
        "Run dead: 120 recorded steps, completed never learned (a defect run) This run never learned"
    )
    assert "Which layer? conv2" in text
    assert f"run.diagnosis.remedies has {len(run.diagnosis.remedies)} suggestions" in text
    assert has_picture(run)
    assert shown(run.between(500, 600)).endswith("No step is recorded yet, so there is nothing to judge.")


def test_the_card_of_a_rescued_run_names_what_is_proven_as_its_report_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "rescue_of", lambda run: rescue_in_which({"clip": 20}))

    text = shown(synthetic.dead())

    assert "What to try? Clip 20 of 20 lived, control 8 of 20: proven" in text


def test_a_diagnosis_shows_the_blow_and_what_to_try_first() -> None:
    text = shown(synthetic.dead(120).diagnosis)

    assert "never learned (a defect run)" in text
    assert "Blow step 32, oversized update" in text
    assert "Defect iterations 120 of 120" in text
    assert "To try first A smaller learning rate." in text
    assert has_picture(synthetic.dead(120).diagnosis)
    assert "healthy Healthy: it learned, and kept what it learned." in shown(synthetic.healthy(60).diagnosis)


def test_groups_and_comparisons_show_k_of_n_and_their_intervals() -> None:
    dying, living = group("rate 0.5", "collapsed"), group("rate 0.1", "healthy")
    comparison = ld.compare(living, dying)

    assert "rate 0.5 Defect runs: 3 of 3 = 100 % (95 % interval 44 to 100 %) (collapsed 3)." in shown(dying)
    assert "rate 0.1 compared with rate 0.5 not shown" in shown(comparison)
    assert "0 of 3 defect runs against 3 of 3" in shown(comparison)
    assert has_picture(dying)
    assert has_picture(comparison)
    assert not has_picture(ld.Group("nothing", ()))


def test_a_study_shows_how_far_it_is() -> None:
    study = Study(StudyPlan((Arm("plain", {}, 2), Arm("half", {"lr": 0.25}, 2))), "studies", 1)

    assert shown(study).startswith("Study in studies 0 of 4 runs No run has ended yet")
    study.runs = list(group("any", "collapsed").runs[:2])
    assert "2 of 4 runs Defect runs by arm: plain: 2 of 2" in shown(study)
    assert has_picture(study)


def test_a_recorder_shows_what_it_has_seen(tmp_path: Path) -> None:
    recorder = ld.Recorder(tmp_path / "x.h5", histograms_every=0)
    assert "before training" in shown(recorder)

    during: list[str] = []

    class Looking(lenet.Hook):
        def on_step_end(self, event: Any) -> None:
            during.append(shown(recorder))

    train([recorder, Looking()], small_model(), epochs=1)

    assert re.search(r"training Step 4 of 13: loss \S+, accuracy \S+ %\.", during[4])
    assert recorder.diagnosis is not None
    assert f"after {recorder.diagnosis.steps} steps undecided" in shown(recorder.diagnosis)
    assert "undecided" in shown(recorder)


def test_what_is_known_before_the_first_step_shows_layers_and_settings() -> None:
    text = shown(synthetic.healthy(60).info)

    assert "61,706 parameters conv1 (6 units, relu)" in text
    assert "Seed 7 network lenet optimizer sgd lr 0.5" in text


def test_a_model_shows_what_comes_out_of_each_layer() -> None:
    model = lenet.Settings(network="lenet").build_model(samples=1000)
    text = shown(model)

    assert text.startswith("Model with 61,706 parameters layer kind output parameters share of all conv1")
    assert "dense1 DenseLayer 120 48,120" in text
    assert "conv2 ConvolutionLayer 10 × 10 × 16 2,416" in text
    assert "Model with 0 parameters" in shown(lenet.Model())


def test_a_layer_shows_its_arguments_and_how_its_weights_are_spread() -> None:
    model = lenet.Settings(network="lenet").build_model(samples=1000)
    drawn, alone = model.layers[-2], lenet.DenseLayer(n_inputs=4, n_neurons=3)
    drawn.weights = [[float(i % 2) for i in range(10)]] * 84

    assert re.search(r"DenseLayer dense3 .* weights 84 × 10 █▁+█ biases 10 ▁+█▁+$", shown(drawn))
    assert shown(alone).endswith("weights 4 × 3 not drawn yet biases 3 not drawn yet")
    assert "kernel_size [5, 5]" in shown(model.layers[0])
    assert shown(lenet.ActivationReLU()) == "ActivationReLU argument value"


def test_names_are_text_and_never_markup() -> None:
    run = synthetic.healthy(60, name="<script>alert(1)</script>")

    assert "<script>" not in run._repr_html_() + run.diagnosis._repr_html_() + ld.Group("<b>", ())._repr_html_()


def test_only_objects_of_the_library_have_cards() -> None:
    with pytest.raises(TypeError, match="received 3, expected an object that has a card"):
        card(3)
