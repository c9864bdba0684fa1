"""Reports as pages: a tree of content, and its renderers for HTML and Markdown.

In: runs and studies with their diagnoses and statistics.
Out: one self-contained HTML page and the figures as PNG.
"""
