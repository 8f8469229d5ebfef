"""What the forbidden-call check does not see: it lives in the learner's own process, and code that hides a call on purpose gets past.

Answers to `linear` that use torch's own all the same. SEEN are disguises that do not help; UNSEEN score, and are listed so that
nobody believes otherwise. Each of those raises a flag. Not seen either, in other tasks: a product of plain NumPy arrays by a ufunc whose name is hidden
(linear_sums), a classifier that learns nothing but looks up the nearest images (fit).
"""

from .attack import HEAD

NAME = "'lin' + 'ear'"
SEEN = {
    "a name put together": HEAD + f"    return getattr(torch.nn.functional, {NAME})(x, weight, bias)",
    "vars": HEAD + f"    return vars(torch.nn.functional)[{NAME}](x, weight, bias)",
    "exec": HEAD + "    scope = {}\n    exec('import torch; y = torch.nn.functional.' + 'linear', scope)\n    return scope['y'](x, weight, bias)",
    "a module by its name": HEAD + f"    import importlib\n    return getattr(importlib.import_module('torch.nn.functional'), {NAME})(x, weight, bias)",
    "a layer": HEAD + "    layer = getattr(torch.nn, 'Lin' + 'ear')(5, 3)\n    return torch.func.functional_call(layer, dict(weight=weight, bias=bias), (x,))",
    "an alias put into a module": f"import math\nmath.product = getattr(torch.nn.functional, {NAME})\n" + HEAD + "    return math.product(x, weight, bias)",
    "bilinear's neighbour": HEAD + "    return torch.nn.modules.linear.F.__dict__['lin' + 'ear'](x, weight, bias)",
    "torch's functions switched off": HEAD + f"    with torch._C.DisableTorchFunction():\n        return getattr(torch.nn.functional, {NAME})(x, weight, bias)",
    "the watcher replaced": "import grader.asking, contextlib\ngrader.asking.watching = lambda forbids: contextlib.nullcontext([])\n" + HEAD
    + f"    return getattr(torch.nn.functional, {NAME})(x, weight, bias)",
    "the watcher's ears plugged": "import grader.watch\ngrader.watch.ForbiddenCalls.note = lambda *a: None\n" + HEAD
    + f"    return getattr(torch.nn.functional, {NAME})(x, weight, bias)",
    "the note removed": HEAD + f"    import gc, grader.watch\n    y = getattr(torch.nn.functional, {NAME})(x, weight, bias)\n    for calls in grader.watch._active: calls.seen.clear()\n    return y",
}
SEEN |= {
    "compiled by TorchScript": "text = 'def product(x, weight, bias: Optional[Tensor]):\\n    return torch.nn.functional.lin' + 'ear(x, weight, bias)\\n'\n"
    "unit = torch.jit.CompilationUnit(text)\n" + HEAD + "    return unit.product(x, weight, bias)",
    "a relative": HEAD + "    y = torch.baddbmm(torch.zeros((), dtype=x.dtype), x.reshape(1, -1, x.shape[-1]), weight.T[None])[0].reshape(*x.shape[:-1], -1)\n"
    "    return y if bias is None else y + bias",
    "the stack of modes popped": HEAD + f"    mode = torch._C._pop_torch_function_stack()\n    y = getattr(torch.nn.functional, {NAME})(x, weight, bias)\n"
    "    torch._C._push_on_torch_function_stack(mode)\n    return y",
}
HOOKED = "the question changed by a hook"
UNSEEN = {
    HOOKED: "from IPython import get_ipython\nask = lambda: get_ipython().kernel.get_parent()['content'].get('question', {})\n"
    "get_ipython().events.register('pre_run_cell', lambda info: ask().update(forbids=[]))\n" + HEAD
    + f"    return getattr(torch.nn.functional, {NAME})(x, weight, bias)",
    "in another thread": "from concurrent.futures import ThreadPoolExecutor\n" + HEAD
    + f"    return ThreadPoolExecutor(1).submit(getattr(torch.nn.functional, {NAME}), x, weight, bias).result()",
    "the watcher replaced by a hidden name": "import sys, contextlib\nsys.modules['gra' + 'der.asking'].watching = lambda forbids: contextlib.nullcontext([])\n" + HEAD
    + f"    return getattr(torch.nn.functional, {NAME})(x, weight, bias)",
}
