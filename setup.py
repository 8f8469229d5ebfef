"""What a wheel holds besides grader/: the course's own files, as grader/packed/, where grader/course.py finds them. All else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

COURSE = ("exercises/[0-9][0-9]_*.ipynb", "solutions/[0-9][0-9]_*.ipynb", "book/[0-9][0-9]_*.md", "_config.yml", "pyproject.toml")


class PackCourse(build_py):
    def run(self):
        super().run()
        if self.editable_mode:  # the folder itself is what is installed
            return
        packed = Path(self.build_lib, "grader", "packed")
        shutil.rmtree(packed, ignore_errors=True)  # what an earlier build left
        for path in files():
            self.mkpath(str((packed / path).parent))
            self.copy_file(path, str(packed / path))

    def get_source_files(self):
        """What a source distribution holds."""
        return [*super().get_source_files(), *files()]


def files():
    return [path.as_posix() for pattern in COURSE for path in sorted(Path().glob(pattern))]


setup(cmdclass={"build_py": PackCourse})
