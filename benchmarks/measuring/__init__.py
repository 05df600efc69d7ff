"""How races are run: one process for each player, rounds in turn, medians."""
