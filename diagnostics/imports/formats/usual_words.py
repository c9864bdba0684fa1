"""Printed lines that name their numbers in a way of their own, in the words that other lines use."""

from __future__ import annotations

import re

NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)"
RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # a name with its data behind it, as in MMEngine's "Epoch(val)"
    (("(",), re.compile(r"\b(?P<name>\w+)\((?P<data>train|val|test)\)"), r"\g<data> \g<name>"),
    # a name with its step or epoch behind it, as in "Cost after iteration 100: 0.69"
    (("after ", "at "),
     re.compile(r"\b(?P<name>[a-z_](?>\w*)(?: [a-z_](?>\w*)){0,3})(?: \([^()]*\))? (?:after|at) "
                r"(?P<counter>epoch|step|iter|iteration) #?(?P<at>\d+)\s*[:=]", re.IGNORECASE),
     r"| \g<counter> \g<at>, \g<name>:"),
    # scikit-learn: one of its iterations is an epoch, and it prints eight digits
    (("iteration",), re.compile(r"^Iteration (?P<at>\d+), loss = (?P<loss>\d+\.\d{8})$"),
     r"epoch \g<at>, loss \g<loss>"),
    (("validation score",), re.compile(r"^Validation score: "), "val accuracy "),
    # the bar of kuangliu's pytorch-cifar: " [==>..]  Step: 62ms | Tot: 5s | Loss: 1.5 | Acc: 40% (51/128)  75/391"
    (("step: ",), re.compile(r"^\s*\[[=>.]+\]\s+Step: [^|]*\|\s*Tot: [^|]*\|(?P<numbers>.*\))[\x08\s]*"
                             r"(?P<at>\d+)/(?P<of>\d+)\s*$"),
     r"| \g<at>/\g<of> [\g<numbers>"),
    # Darknet: "863: 10.842213, 12.363435 avg, 0.001000 rate, 3.09 seconds, 55232 images"
    ((" avg",),
     re.compile(rf"^\s*(?:\([^()]*\)\s*)?(?P<at>\d+): (?P<loss>{NUMBER}), {NUMBER} avg(?: loss)?, "
                rf"(?P<rate>{NUMBER}) rate,.*"),
     r"step \g<at>, loss \g<loss>, lr \g<rate>"),
    # fairseq's JSON: {"epoch": 1, "update": 0.25, "loss": "3.321", "num_updates": "10"}
    (("num_updates",), re.compile(r'"num_updates": "(?P<at>\d+)"'), r"step \g<at>"),
    # llm.c: "s:1 trl:10.814037 lr:0.000001", and "tel" for the loss of a validation
    (("trl:",), re.compile(r"^s:(?P<at>\d+) trl:"), r"step \g<at> loss "),
    (("tel:",), re.compile(r"^s:(?P<at>\d+) tel:"), r"step \g<at> val loss "),
    # Marian: "Ep. 1 : Up. 500 : Sen. 662,406 : Cost 91.62329865 : Time 704.91s : 8907.95 words/s : L.r. 9.3750e-06"
    (("ep. ",), re.compile(r"\bEp\. (?P<epoch>\d+)(?:\.\d+)? : Up\. (?P<at>\d+) : Sen\. [\d,]+"),
     r"epoch \g<epoch>, step \g<at>"),
    (("l.r. ",), re.compile(r" : L\.r\. "), " : lr "),
    # TensorFlow's estimators: "Saving dict for global step 90: accuracy = 0.9, global_step = 90, loss = 0.3"
    (("saving dict",), re.compile(r"Saving dict for global step (?P<at>\d+):"), r"step \g<at>, val:"),
    # numbers of Julia with half the usual precision, such as 2.3f0
    (("f0", "f-"), re.compile(r"(?<=\d)f(?=-?\d+\b)"), "e"),
    # Swin: "Train: [2/300][50/1251]"
    (("train: [",), re.compile(r"\bTrain: \[(?P<epoch>\d+)/(?P<of>\d+)\]\["), r"train epoch \g<epoch>/\g<of> ["),
    # Catalyst: "train (3/40) accuracy01: 0.5 | loss: 1.5"
    (("train (", "valid ("), re.compile(r"^(?P<data>train|valid) \((?P<epoch>\d+)/(?P<of>\d+)\)"),
     r"\g<data> epoch \g<epoch>/\g<of>"),
    # ESPnet: "2epoch:train:11-20batch: loss=1.5", and "2epoch results: [train] loss=1.5"
    (("epoch:train:",), re.compile(r"\b(?P<epoch>\d+)epoch:train:\d+-(?P<at>\d+)batch:"),
     r"epoch \g<epoch> step \g<at>,"),
    (("epoch results:",), re.compile(r"\b(?P<epoch>\d+)epoch results:"), r"epoch \g<epoch>,"),
    # CNTK: "Epoch[ 1 of 3]-Minibatch[  11-  20, 1.00%]: ce = 1.5"
    (("-minibatch[",), re.compile(r"-Minibatch\[ *\d+- *(?P<at>\d+)[^\]]*\]:"), r", step \g<at>,"),
    # Kaldi, whose objective is the logarithm of the probability
    (("average objective function",),
     re.compile(rf"Average objective function for 'output' for minibatches \d+-(?P<at>\d+) is -(?P<loss>{NUMBER}) .*"),
     r"step \g<at>, loss \g<loss>"),
    # Poutyne: "Epoch: 1/5 Train steps: 1407 Val steps: 157 12.07s loss: 1.47"
    ((" steps: ",), re.compile(r"\b(?:Train|Val|Test) steps: \d+\s+"), ""),
    # data behind a name, as in "Cost on training data: 0.3"
    ((" on ",),
     re.compile(r"\b(?P<name>loss|cost|accuracy|error) on (?:the )?(?P<data>train|training|val|validation|evaluation|"
                r"test)(?: (?:data|set|dataset))?(?=\s*[:=])", re.IGNORECASE),
     r"\g<data> \g<name>"),
    # what a container prints, as Kubernetes writes it
    ((" stdout ", " stderr "), re.compile(r"^\S+T\S+ std(?:out|err) [FP] "), ""),
    (("score at iteration",), re.compile(r"Score at iteration (?P<at>\d+) is "), r"step \g<at>, loss "),
    # XGBoost: "[7]\ttrain-mlogloss:1.5\teval-mlogloss:1.75", and LightGBM: "[7]\tvalid_1's multi_logloss: 1.75"
    (("logloss",), re.compile(r"^\[(?P<at>\d+)\]\s"), r"step \g<at> "),
    (("'s ",), re.compile(r"\b(?P<data>training|valid)(?:_\d+)?'s "), r"\g<data> "),
    # CatBoost: "7:\tlearn: 1.5\ttest: 1.75\tbest: 1.75 (7)\ttotal: 30.1ms\tremaining: 3s"
    (("learn: ",), re.compile(rf"^(?P<at>\d+):\s+learn: (?P<loss>{NUMBER})(?:\s+test: (?P<val>{NUMBER}))?.*"),
     r"step \g<at>, loss \g<loss>, val loss \g<val>"),
)  # fmt: skip
"""What one of which a line has in small letters if a rule may match it, the rule, and what it makes of the match."""


def in_usual_words(line: str) -> str:
    """A line in which the rules that match have been applied, one after the other."""
    small = line.lower()
    for signs, pattern, words in RULES:
        for sign in signs:
            if sign in small:
                line = pattern.sub(words, line)
                break
    return line
