"""The rules of the detector: one mechanism or symptom a file."""
