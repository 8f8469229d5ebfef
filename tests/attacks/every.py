"""Every attack on the grader by a notebook, and the limits under which they show in a second what they do."""

from . import escape, exhaust, protocol, state, steal

ATTACKS = [attack for module in (protocol, state, steal, escape, exhaust) for attack in module.ATTACKS]
LIMITS = [word for limit in ("cell=1", "probe=1", f"memory={exhaust.MEMORY}", "disk=32", "file=16") for word in ("--limit", limit)]
