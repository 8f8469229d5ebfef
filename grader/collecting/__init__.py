"""Who handed in what: from a learning platform's download to a notebook for each learner and exercise.

`archives` lists and reads the files, `layouts` says whose they are, `roster` who should have handed in, `people` tells learners apart, `choosing` picks the
notebook that counts, `records` is the table of it all, and `command` is the command line's door. Nothing here grades.
"""
