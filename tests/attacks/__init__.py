"""Notebooks that a cheat could hand in, as tables by theme; test_attacks.py grades them all."""
