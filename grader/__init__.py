"""The grader of Linear, Inside Out: asks a learner's code and torch's the same questions and explains where they part."""

__version__ = "0.1.0"
