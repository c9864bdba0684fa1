"""Timings: the trainer, the recorder, judging and studies, each beside what it is compared with."""
