"""Small layers and losses in the styles in which people write them: right ones, and each with one mistake."""
