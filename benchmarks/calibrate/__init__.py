"""How the limits of the rules were found."""
