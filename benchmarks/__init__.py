"""Programs that measure this project and print what they find, each as a Markdown page.

How often the detector is right
    python -m benchmarks.zoo                      trains labelled runs, judges them, and counts: docs/zoo.md
    python -m benchmarks.zoo.small_sets           healthy trainings on a few samples: docs/benchmarks/small-sets.md
How its thresholds were found
    python -m benchmarks.calibrate.starts         trains many short runs, to see how long learning takes to begin
    python -m benchmarks.calibrate.calibration    healthy bands, patience and grace: docs/calibration.md
    python -m benchmarks.calibrate.standstill     how long to wait where nothing moves: docs/standstill.md
What was tried to break it
    python -m benchmarks.reliability              kills, full disks, damaged and crafted files: docs/reliability.md
How it judges the logs of other tools
    python -m benchmarks.imports.resolution       verdicts from coarser logs: docs/benchmarks/imports.md
    python -m benchmarks.imports.size             how long a million scalars take
How fast it is
    python -m benchmarks.speed.trainer            the trainer beside PyTorch: docs/benchmarks/trainer.md
    python -m benchmarks.speed.recorder           what recording and judging cost: docs/benchmarks/recorder.md
    python -m benchmarks.speed.judging            what judging alone costs: docs/benchmarks/judging.md
    python -m benchmarks.speed.studies            runs an hour, and statistics of many: docs/benchmarks/studies.md
    python -m benchmarks.speed.rescues            how long the rescue of one run takes
    python -m benchmarks.speed.clusters           a study on a Dask cluster: docs/benchmarks/clusters.md
    python -m benchmarks.speed.torch_recorder     what TorchRecorder costs: docs/benchmarks/torch-recorder.md

Every program has ``--help``. Times mean something only on a machine that does nothing else.
"""
