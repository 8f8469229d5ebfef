"""Doors to platforms that others run: Gradescope, GitHub, nbgrader. What is made for each, and what runs there."""
