"""What a submission may use up, and how each limit is written on the command line."""

from dataclasses import dataclass, fields, replace


class LimitError(ValueError):
    """A limit that is none. The message is one line with the cure."""


@dataclass(frozen=True)
class Limits:
    """The limits of one submission. A figure is in the unit of its comment; all are positive.

    A cell or probe over its time is "timed out", one over its output "flooded", memory "out of memory". A file, process
    or descriptor too many is an exception in the learner's own code.
    """

    cell: float = 30  # seconds for one cell
    probe: float = 15  # seconds for one probe
    total: float = 300  # seconds for the whole notebook, restarts included
    memory: float = 2048  # MiB, over what Python and torch take by themselves
    disk: float = 256  # MiB of all files in the private folder
    file: float = 64  # MiB of one file
    output: float = 4  # MiB that one cell prints and displays
    files: int = 256  # open files
    processes: int = 64  # processes and threads

    def with_settings(self, settings: list[str]) -> "Limits":
        """These limits with some set anew, as in ["cell=10", "memory=512"]. Raises LimitError."""
        known = {field.name: field.type for field in fields(self)}
        chosen = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in known:
                raise LimitError(f"--limit {setting}: there is no limit {name!r}. Limits: {', '.join(known)}.")
            try:
                chosen[name] = known[name](text)
            except ValueError:
                raise LimitError(f"--limit {setting}: write a number, as in --limit {name}={getattr(self, name)}") from None
            if not 0 < chosen[name] < 10**9:
                raise LimitError(f"--limit {setting}: must be positive and less than 10^9.")
        return replace(self, **chosen)


MIB = 2**20
