"""What is measured, kept, judged and counted."""
