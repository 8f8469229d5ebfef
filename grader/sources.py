"""Reading a notebook's code without running it: what its cells define, and which forbidden names an answer uses."""

import ast
import functools
from fnmatch import fnmatchcase

from IPython.core.inputtransformer2 import TransformerManager


MAX_CELLS = 2000  # that are kept when read
MAX_REREAD = 5 * 10**5  # characters of a submission that are read once more because of a magic or shell line: all of its cell, for each
HARMLESS = ("grader.learner", *(f"grader.learner.{name}" for name in ("check", "hint", "reset", "solution", "status")))  # of the grader, what notebooks use
SWITCHES = (  # off, of what tells of torch's calls
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "_DisableTorchDispatch", "_disable_current_modes", "_pop_mode", "_pop_torch_function_stack",
    "_pop_torch_dispatch_stack", "_get_function_stack_at", "_get_dispatch_stack_at", "_ExcludeDispatchKeyGuard", "_RestorePythonTLSSnapshot", "redispatch",
    "_saved_tensors_hooks_disable",
)


def begin_submission():
    """Forget other notebooks, and read no more of this one again than MAX_REREAD: a cell that needs more counts as unreadable."""
    read_cell.cache_clear()
    _reading.cache_clear()
    _magics.left = MAX_REREAD


def defined_names(cell: str) -> set[str]:
    """Functions and classes that a cell defines at its top level."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {statement.name for statement in _statements((cell,))[0] if isinstance(statement, kinds)}


def top_level(cell: str) -> list[ast.stmt]:
    """The statements of a cell; none where it cannot be read as Python."""
    return read_cell(cell)[0]


def source_of(cell: str, statement: ast.stmt) -> str:
    """The text of a statement of a cell: its lines, without its neighbours in the first and the last of them."""
    start, lines = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))]), read_cell(cell)[1]
    chosen = [line.encode() for line in lines[start - 1 : statement.end_lineno]]  # ast counts bytes
    chosen[-1] = chosen[-1][: statement.end_col_offset]
    chosen[0] = chosen[0][statement.col_offset :] if start == statement.lineno else chosen[0]
    return b"\n".join(chosen).decode()


def is_unchanged(cells: list[str], name: str, original: str) -> bool:
    """Whether a notebook's last word on `name` is the function in `original`: its own name, docstring, comments and layout aside."""
    definitions = [statement for statement in _statements(tuple(cells))[0] if name in bound_names(statement)]
    return bool(definitions) and _code(definitions[-1]) == _code(ast.parse(original).body[0])


def _code(statement):
    """A function's parameters and statements without its docstring, in a form that can be compared."""
    if not isinstance(statement, ast.FunctionDef):
        return None
    body = statement.body[1:] if ast.get_docstring(statement) is not None else statement.body
    return ast.dump(statement.args), [ast.dump(each) for each in body]


def matches(name: str, forbidden: str) -> bool:
    """Whether a dotted name is the forbidden one, a twin of it, or a road to it.

    "torch.Tensor.addmm" and "torch.ops.aten.addmm" match "torch.addmm": same library, and its last word, in which "*" stands for
    anything, is on the path. A library alone, "sklearn", is matched by all that is in it.
    """
    parts, goal = name.split("."), forbidden.split(".")
    last = goal[-1]
    fits = functools.partial(fnmatchcase, pat=last) if "*" in last else last.__eq__  # few are patterns, which take long to be made ready
    return parts[0] == goal[0] and (len(goal) == 1 or any(map(fits, parts[1:])))


def forbidden_in_source(cells: list[str], name: str, forbidden: tuple[str, ...]) -> list[tuple[str, str]]:
    """Forbidden names used by the definition of `name`, or by any helper of the notebook that it reaches.

    cells: the notebook's code, a string a cell. Returns pairs (forbidden name, the line of code that uses it).
    """
    if not forbidden:
        return []
    lines, bindings, modules, tampering = _reading(tuple(cells))
    found, read, seen, queue = [], set(), set(), [(name, bindings.get(name, [])[-1:])]  # the last definition is the one that counts
    while queue:
        bound, definitions = queue.pop()
        seen.add(bound)
        for statement in definitions:
            if id(statement) in read:  # it binds several names
                continue
            read.add(id(statement))
            own = _local_names(statement)
            for node in ast.walk(statement):
                for goal in _uses(node, modules, forbidden):
                    found.append((goal, lines[id(statement)][node.lineno - 1].strip()))
                used = node.id if isinstance(node, ast.Name) and node.id not in own else None
                if used in bindings and used not in seen:
                    seen.add(used)
                    queue.append((used, bindings[used]))
    return list(dict.fromkeys([*found, *tampering]))


@functools.lru_cache(maxsize=1)  # a notebook is asked about once for each of its tasks
def _reading(cells):
    """What any task's search needs of a notebook: the lines of its statements, which statements bind a name, imports, tampering."""
    statements, lines = _statements(cells)
    bindings: dict[str, list] = {}
    for statement in statements:
        for bound in bound_names(statement):
            bindings.setdefault(bound, []).append(statement)
    return lines, bindings, imports(statements), _tampering(statements, lines)


def _tampering(statements, lines):
    """Where a notebook reaches into the grader, or switches off torch's functions that tell of calls: no name is then sure to be seen."""
    found = []
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Attribute):
                names = [node.attr]
            else:
                names = [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
            for name in names:
                if (name.startswith("grader.") and name not in HARMLESS) or any(name.endswith(switch) for switch in SWITCHES):
                    found.append((name, lines[id(statement)][node.lineno - 1].strip()))
    return found


def _statements(cells):
    """Top-level statements of all cells that parse, with the lines of the cell each stands in."""
    read = list(map(read_cell, cells))
    return [each for statements, _ in read for each in statements], {id(each): lines for statements, lines in read for each in statements}


@functools.lru_cache(maxsize=MAX_CELLS)
def read_cell(source):
    """The statements of a cell and its lines; nothing of one that cannot be read."""
    try:
        source = _magics.transform_cell(source)  # %magics become plain calls
        return ast.parse(source).body, source.splitlines()
    except (SyntaxError, ValueError, RecursionError, MemoryError, RuntimeError):  # also of code that is made to be unreadable
        return [], []


class _Magics(TransformerManager):
    """IPython's, which reads a cell anew for each magic and shell line in it. Raises RuntimeError when `left`, a number of characters, is used up."""

    left = float("inf")

    def do_one_token_transform(self, lines):
        changed, lines = super().do_one_token_transform(lines)
        self.left -= sum(map(len, lines)) if changed else 0
        if self.left < 0:
            raise RuntimeError("more magic and shell lines than can be read")
        return changed, lines


_magics = _Magics()


def bound_names(statement):
    """Names that a top-level statement binds, those in its `if` and `with` blocks included, function bodies not."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def _local_names(statement):
    """Parameters and local variables of a definition: names that mean nothing of the notebook's, even where it has the like."""
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return set()
    nodes = list(ast.walk(statement))
    shared = {name for node in nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names}
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return (stored | {node.arg for node in nodes if isinstance(node, ast.arg)}) - shared


def imports(statements):
    """What each imported name stands for, as a dotted path: {"F": "torch.nn.functional", "lin": "torch.nn.functional.linear"}."""
    modules = {"torch": "torch", "np": "numpy", "numpy": "numpy"}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return modules


def _uses(node, modules, forbidden):
    """Forbidden names that this one syntax node uses."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.MatMult):
        return [goal for goal in forbidden if goal == "@"]
    if isinstance(node, ast.Attribute) and node.attr in ("__matmul__", "__rmatmul__", "__imatmul__"):
        return [goal for goal in forbidden if goal == "@"]
    if isinstance(node, ast.ImportFrom):
        paths = [f"{node.module}.{alias.name}" for alias in node.names]
        return [goal for goal in forbidden if any(matches(path, goal) for path in paths)]
    path = dotted(node, modules)
    if path is None:
        return []
    if path.startswith("?."):  # a method of something unknown: x.addmm(...)
        methods = [goal for goal in forbidden if goal.split(".")[-2:-1] in (["Tensor"], ["ndarray"])]
        return [goal for goal in methods if path.split(".")[-1] == goal.split(".")[-1]]
    return [goal for goal in forbidden if goal != "@" and matches(path, goal)]


def dotted(node, modules):
    """The dotted path a name, attribute or getattr call stands for; "?." leads what is not an imported module."""
    if isinstance(node, ast.Name):
        return modules.get(node.id)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, modules) or '?'}.{node.attr}"
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "getattr" and len(node.args) >= 2:
        attribute = node.args[1]
        if isinstance(attribute, ast.Constant) and isinstance(attribute.value, str):
            return f"{dotted(node.args[0], modules) or '?'}.{attribute.value}"
    return None
