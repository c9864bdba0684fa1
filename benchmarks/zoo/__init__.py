"""How often the detector is right: labelled runs, trained, judged and counted."""
