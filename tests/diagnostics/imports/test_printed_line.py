"""One printed line: which numbers it names, and where in the training they stand."""

from __future__ import annotations

import time

import numpy as np
import pytest

from diagnostics.imports.formats.printed_line import PrintedLine


@pytest.mark.parametrize(
    ("line", "epoch", "step", "numbers"),
    [
        ("Epoch 3 step 120 loss 0.43 acc 0.88", 3, 120, {"loss": 0.43, "acc": 0.88}),
        ("iter 425: loss nan, time 1440.31ms, mfu 0.01%", None, 425, {"loss": np.nan, "mfu": 0.0001}),
        ("Epoch [1/5], Step [100/600], Loss: 0.5133", 1, 100, {"Loss": 0.5133}),
        ("[2,  4000] loss: 1.363", 2, 4000, {"loss": 1.363}),
        ("2025-03-02 05:16:20,962 - INFO - Epoch 1 - Batch loss: 12.1336", 1, None, {"loss": 12.1336}),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.2135", 1, 640, {"Loss": 2.2135}),
        ("Epoch: [0][ 10/391]\tLoss 2.32e+00 (2.37e+00)\tAcc@1  12.50 ( 10.59)", 0, 10, {"Loss": 2.32, "Acc@1": 12.5}),
        ("Test: [70/79]\tLoss 1.62 (1.72)\tAcc@1 35.81 ( 34.81)", None, None, {"val Loss": 1.72, "val Acc@1": 34.81}),
        ("Train: 0 [  50/1251 (  4%)]  Loss: 6.91 (6.93)", 0, 50, {"Loss": 6.91}),
        ("Test set: Average loss: 0.0474, Accuracy: 9844/10000 (98%)", None, None,
         {"val loss": 0.0474, "val Accuracy": 0.9844}),
        ("mmengine - INFO - Epoch(train)  [1][100/391]  lr: 1.0e-01  loss: 2.1", 1, 100, {"lr": 0.1, "loss": 2.1}),
        ("mmengine - INFO - Epoch(val) [1][79/79]    accuracy/top1: 45.12", 1, None, {"val accuracy/top1": 45.12}),
        ("\tTrain Loss: 0.695 | Train Acc: 50.00%", None, None, {"Train Loss": 0.695, "Train Acc": 0.5}),
        ("\t Val. Loss: 0.393 |  Val. Acc: 83.12%", None, None, {"Val. Loss": 0.393, "Val. Acc": 0.8312}),
        ("{'loss': 1.8998, 'learning_rate': 1.6e-05, 'epoch': 0.4}", 0.4, None,
         {"loss": 1.8998, "learning_rate": 1.6e-05}),
        ("solver.cpp:218] Iteration 100 (4.7 iter/s, 21.213s/100 iters), loss = 0.224371", None, 100,
         {"loss": 0.224371}),
        ("Epoch 0:  50%|███  | 50/100 [00:05<00:05,  9.00it/s, loss=1.9, v_num=0]", 0, 50, {"loss": 1.9}),
        ("step 2/1000 | loss 10.9 (+nanz)| norm 14.0 (+nanz)| lr 1.71e-06 | 170000 tok/s", None, 2,
         {"loss": 10.9, "lr": 1.71e-06}),
        ("epoch=0 i=30/530 total_loss=4.6 vocoder_loss=3.8", 0, 30, {"total_loss": 4.6, "vocoder_loss": 3.8}),
        ("epoch:1/300,batch:6/67,lr:0.000100,train loss:7.98,train acc:1.56%", 1, 6,
         {"lr": 0.0001, "train loss": 7.98, "train acc": 0.0156}),
        ("Cost after iteration 100: 0.6931", None, 100, {"Cost": 0.6931}),
        ("Training loss (for one batch) at step 200: 0.5", None, 200, {"Training loss": 0.5}),
        ("Validation accuracy after epoch 3: 0.9", 3, None, {"Validation accuracy": 0.9}),
        ("box loss after epoch 3: 0.9", 3, None, {}),
        ("INFO:tensorflow:loss = 2.3, step = 100 (0.5 sec)", None, 100, {"loss": 2.3}),
        ("Iteration 1, loss = 0.69314718", 1, None, {"loss": 0.69314718}),
        ("Iteration 1, loss = 0.693", None, 1, {"loss": 0.693}),
        ("Validation score: 0.91", None, None, {"val accuracy": 0.91}),
        ("Epoch: [1/60][350/404] Time 0.190 (0.203)\tLoss 1.0596 (1.0721)", 1, 350, {"Loss": 1.0596}),
        ("Epoch: [0][350]\tTime 0.6 (0.5)\tLoss 0.51 (0.62)", 0, 350, {"Loss": 0.51}),
        ("Epoch: [2/9][10/281] Batch 0.812 (0.909) Loss 4.6 Accuracy 0.18.", 2, 10, {"Loss": 4.6, "Accuracy": 0.18}),
        ("Epoch 3/10 (5/20) loss: 0.5", 3, 5, {"loss": 0.5}),
        ("Epoch 3/10, 2024/05/01, loss: 0.5", 3, None, {"loss": 0.5}),
        ("Epoch 5: loss 0.3 (best 0.2 at epoch 3), acc 0.9", 5, None, {"loss": 0.3, "acc": 0.9}),
        ("Best loss 0.2 at step 30", None, None, {"Best loss": 0.2}),
        (f" [=>..]  Step: 6ms | Tot: 5s | Loss: 1.5 | Acc: 43.75% (56/128){9 * chr(8)} 7/39 ", None, 7,
         {"Loss": 1.5, "Acc": 0.4375}),
        ("s:1 trl:10.814 lr:0.1", None, 1, {"loss": 10.814, "lr": 0.1}),
        ("s:0 tel:10.986", None, 0, {"val loss": 10.986}),
        ("863: 10.84, 12.36 avg, 0.0010 rate, 3.09 seconds, 55232 images", None, 863, {"loss": 10.84, "lr": 0.001}),
        (" (next mAP at 900 iterations) \t 864: -nan, nan avg loss, 0.01 rate, 3.8 seconds, 55296 images", None, 864,
         {"loss": np.nan, "lr": 0.01}),
        ("[05:21:33] Ep. 1 : Up. 500 : Sen. 66,406 : Cost 91.6 : Time 704.9s : 8907.9 words/s : L.r. 9.3e-06", 1, 500,
         {"Cost": 91.6, "lr": 9.3e-06}),
        ("iteration  25/ 900 | elapsed time per iteration (ms): 87 | lm loss: 1.08E+01 |", None, 25, {"lm loss": 10.8}),
        ("Epoch 2/5 - Loss: 0,5432 - Acc: 20,5%", 2, None, {"Loss": 0.5432, "Acc": 0.205}),
        ("Step 1,000/10,000 loss: 2.3", None, 1000, {"loss": 2.3}),
        ("Test set: Average loss: 0,0474, Accuracy: 9,844/10,000 (98%)", None, None,
         {"val loss": 0.0474, "val Accuracy": 0.9844}),
        ("| epoch   1 |   200/ 2983 batches | lr 20.00 | loss  7.63 | ppl 2057.02", 1, 200, {"lr": 20, "loss": 7.63}),
        ('[inner] - {"epoch": 1, "update": 0.2, "loss": "4.65", "lr": "0.1"}', 1, None, {"loss": 4.65, "lr": 0.1}),
        ("loss: 1, acc: 0.5, step: 3", None, 3, {"loss": 1, "acc": 0.5}),
        ("Best epoch: 12, box loss 0.5, stop loss: 3", None, None, {}),
        ("I0811 metric_logger.py:226] completed step: 3, seconds: 0.6, loss: 2.979, perplexity: 19.6", None, 3,
         {"loss": 2.979}),
        ("Finished Epoch[2 of 40]: [Training] loss = 0.5 * 60000, metric = 9.87% * 60000", 2, None, {"loss": 0.5}),
        ("2024-01-01 10:01:01.2: val_loss -0.8123", None, None, {"val_loss": -0.8123}),
        ("│   test_acc = 0.25", None, None, {"test_acc": 0.25}),
        ("INFO:tensorflow:Saving dict for global step 90: accuracy = 0.9, global_step = 90, loss = 0.3", None, 90,
         {"val accuracy": 0.9, "val loss": 0.3}),
        ("Epoch: 3   Train: (loss = 0.25f0, acc = 50.0)   Test: (loss = 1.5f-2, acc = 90.5)", 3, None,
         {"loss": 0.25, "acc": 50, "val loss": 0.015, "val acc": 90.5}),
        ("INFO Train: [2/300][50/1251]\teta 0:10:00 lr 0.001\tloss 6.91 (6.93)", 2, 50, {"lr": 0.001, "loss": 6.91}),
        ("Epoch: 1/5 Train steps: 1407 Val steps: 157 12.07s loss: 1.47 acc: 46.4 val_loss: 1.19 val_acc: 57", 1, None,
         {"loss": 1.47, "acc": 46.4, "val_loss": 1.19, "val_acc": 57}),
        ("INFO: 2epoch:train:11-20batch: iter_time=2e-04, loss=1.5, acc=0.5, lr_0=3e-06", 2, 20,
         {"loss": 1.5, "acc": 0.5}),
        ("INFO: 2epoch results: [train] loss=1.5, acc=0.5, [valid] loss=1.75, acc=0.25", 2, None,
         {"loss": 1.5, "acc": 0.5, "val loss": 1.75, "val acc": 0.25}),
        ("INFO: 3/20epoch started. Estimated time to finish: 23 minutes", None, None, {}),
        (" Epoch[ 1 of 3]-Minibatch[  11-  20, 1.00%]: ce = 1.5 * 640; errs = 9.3% * 640; time = 0.01s", 1, 20,
         {"ce": 1.5}),
        ("LOG (nnet3-train:x.cc:121) Average objective function for 'output' for minibatches 40-49 is -1.5 over 19538 "
         "frames.", None, 49, {"loss": 1.5}),
        ("valid (3/40) accuracy01: 0.5 | loss: 1.5 | lr: 0.02", 3, None, {"val loss": 1.5}),
        ("Cost on training data: 0.3", None, None, {"training Cost": 0.3}),
        ("Accuracy on evaluation data: 9000 / 10000", None, None, {"evaluation Accuracy": 0.9}),
        ("Loss on the test set: 0.5", None, None, {"test Loss": 0.5}),
        ("2023-01-01T10:00:00.1Z stdout F step 7 loss 0.5", None, 7, {"loss": 0.5}),
        ("loss: 2.303494  [ 6464/60000]", None, 6464, {"loss": 2.303494}),
        ("o.d.o.l.ScoreIterationListener - Score at iteration 120 is 2.31", None, 120, {"loss": 2.31}),
        ("[7]\ttrain-mlogloss:1.5\teval-mlogloss:1.75", None, 7, {"train-mlogloss": 1.5, "eval-mlogloss": 1.75}),
        ("[7]\ttraining's multi_logloss: 1.5\tvalid_1's multi_logloss: 1.75", None, 7,
         {"training multi_logloss": 1.5, "valid multi_logloss": 1.75}),
        ("7:\tlearn: 1.5\ttest: 1.75\tbest: 1.75 (7)\ttotal: 30.1ms\tremaining: 3s", None, 7,
         {"loss": 1.5, "val loss": 1.75}),
        (" * Acc@1 34.900 Acc@5 87.500", None, None, {}),
    ],
)  # fmt: skip
def test_a_line_names_its_numbers(line, epoch, step, numbers):
    found = PrintedLine.read(line)
    known = {name: found.numbers[name] for name in found.numbers if name in numbers or name.lower().endswith("loss")}
    unknown = {"box loss", "stop loss"}

    assert (found.epoch, found.step) == (epoch, step)
    assert {name: one for name, one in known.items() if name not in unknown} == pytest.approx(numbers, nan_ok=True)


@pytest.mark.parametrize("line", ["loss{}", "epoch 3{}", "loss ({}"])
def test_a_line_of_many_blanks_takes_no_time(line):
    began = time.process_time()
    assert PrintedLine.read(line.format(1000 * " ")).numbers == {}
    assert time.process_time() - began < 1
