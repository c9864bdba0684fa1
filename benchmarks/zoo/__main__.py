"""python -m benchmarks.zoo: see :mod:`benchmarks.zoo.build`."""

from benchmarks.zoo.build import main

raise SystemExit(main())
