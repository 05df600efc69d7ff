"""The model test of the unit of work: random transactions, run for real and on paper, must agree."""
