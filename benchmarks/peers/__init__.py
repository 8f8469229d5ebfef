"""The graders that ours is compared with. Each module has the same parts:

environment(folder) makes the peer's own virtual environment and returns its folder of programs; prepare(folder, programs,
submissions, jobs) lays the submissions out as the peer wants them, which is not timed; grade(folder, programs, submissions,
jobs) runs the peer on all of them and returns the seconds of the wall clock and the part of the points it gave each. CHECKS
says what the peer checks.
"""
