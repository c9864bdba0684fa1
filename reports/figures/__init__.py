"""The figures: one a file, each with prepare() and draw()."""
