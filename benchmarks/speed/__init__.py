"""How long training, recording, judging and studies take.

In: networks, numbers of threads and batch sizes.
Out: times, each beside what it is compared with, as a Markdown page.
"""
