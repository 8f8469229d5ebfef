"""Results as people and programs read them: `console` for terminals, `html` for notebooks, `machine` for JSON.

And all that leaves the grader, the command `report`: `reading` (reports, one submission at a time), `gradebook` (added up), `roster` and `changes` (who is
who, what people change), `lms` and `sheets` (marks and tables), `pages`, `anonymous`, and `command`, which puts them together.
"""
