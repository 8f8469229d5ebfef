"""Answers that are right in other ways than the solutions': every task must accept them."""
