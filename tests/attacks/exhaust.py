"""Attacks by using up: time, memory, disk, output, processes, files; and the grader's own time on the notebook's source.

Memory is tried far over the limit of a test run (see MEMORY), in steps, so that a machine survives a limit that does not hold.
"""

from .attack import HEAD, KERNEL, Attack, harmless, of_linear

MEMORY = 256  # MiB: the limit of the runs
STEPS = "import os, time, mmap\nSTEP, STEPS = 2**24, 64  # one GiB in all\n"

LOOPS = {
    "a loop": "while True: pass",
    "a loop that ignores SIGINT": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    "a loop that swallows interrupts": "import time\nwhile True:\n    try: time.sleep(100)\n    except KeyboardInterrupt: pass",
    "a stopped process": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nsignal.pause()",
    "a call into C that never returns": "import ctypes\nctypes.PyDLL(None).pause()",
    "a lock that is held": "import threading\nlock = threading.Lock()\nlock.acquire(); lock.acquire()",
    "a regular expression": "import re\nre.match('(a*)*b', 'a' * 60)",
    "a whole number": "9 ** 9 ** 9",
}
TIME = [harmless("takes for ever", f"{variant}, in a cell", code, "timed out") for variant, code in list(LOOPS.items())[:6]]
TIME += [of_linear("takes for ever", f"{variant}, in an answer", code, "timed out") for variant, code in list(LOOPS.items())[1::3]]

FORKS = {
    "as fast as it can": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "on the run": "import os, signal\nfor number in range(1, 65):\n    try: signal.signal(number, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
    "while True:\n    try:\n        if os.fork(): os._exit(0)\n    except OSError: pass",
    "threads": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=[1000]).start()",
}
BOMBS = [Attack("a fork bomb", variant, cell=code) for variant, code in FORKS.items()]

MEMORIES = {
    "torch, at once": "import torch\ntorch.empty(10 * 2**28).fill_(1)",
    "bytes, at once": "x = b'x' * (10 * 2**30)",
    "bytes, in steps": STEPS + "x = []\nfor _ in range(STEPS): x.append(b'x' * STEP)",
    "in child processes": STEPS + "for _ in range(10):\n    if os.fork() == 0:\n        x = b'x' * (6 * STEP); time.sleep(60)\ntime.sleep(60)",
    "shared memory": STEPS + "x = mmap.mmap(-1, STEP * STEPS)\nfor i in range(STEPS): x[i * STEP : (i + 1) * STEP] = b'x' * STEP\ntime.sleep(60)",
    "shared memory out of sight": STEPS + "x = mmap.mmap(-1, STEP * STEPS)\nfor i in range(STEPS):\n    x[i * STEP : (i + 1) * STEP] = b'x' * STEP\n    x.madvise(mmap.MADV_DONTNEED)\ntime.sleep(60)",
    "shared memory of /dev/zero": STEPS + "x = mmap.mmap(os.open('/dev/zero', os.O_RDWR), STEP * STEPS)\nfor i in range(STEPS):\n    x[i * STEP : (i + 1) * STEP] = b'x' * STEP\n"
    "    x.madvise(mmap.MADV_DONTNEED)\ntime.sleep(60)",
    "page tables": "import ctypes, time\nlibc = ctypes.CDLL(None)\nlibc.mmap.restype = ctypes.c_void_p\nlibc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]\n"
    "start = libc.mmap(None, 2**40, 1, 0x4022, -1, 0)\nfor i in range(2**17 + 2**16): ctypes.string_at(start + i * 2**21, 1)\ntime.sleep(60)",
}
STORES = [
    Attack("uses up memory", variant, cell=code, note="out of memory|Error")
    for variant, code in MEMORIES.items()
]  # fmt: skip
STORES.append(of_linear("uses up memory", "in an answer", "return torch.empty(2**48)", "out of memory"))
STORES.append(of_linear("uses up memory", "in an answer that catches it", "try: torch.empty(2**48)\nexcept RuntimeError: pass\nx = []\nfor _ in range(64): x.append(torch.ones(2**22))\nreturn x", "out of memory"))

DISK = [
    harmless("fills the disk", f"{variant} in {folder}", f"import os\n{code.format(folder)}\n", "Error")
    for folder in ("/tmp", "/dev/shm")
    for variant, code in {
        "one big file": "with open('{}/big', 'wb') as big:\n    for _ in range(1000): big.write(b'x' * 2**20)",
        "several files": "for i in range(1000): open(f'{}/big{{i}}', 'wb').write(b'x' * (2**25))",
        "many files": "for i in range(10**5): open(f'{}/{{i}}', 'w').close()",
    }.items()
]
FILES = [
    harmless("opens too many files", "of a device", "x = []\nwhile True: x.append(open('/dev/null'))", "Error|died"),
    harmless("opens too many files", "of pipes", "import os\nwhile True: os.pipe()", "Error|died"),
]
OUTPUT = [
    harmless("floods", "one print", "print('x' * 10**9)", "flooded|Error"),
    harmless("floods", "a loop of prints", "while True: print('x' * 1000)", "flooded"),
    harmless("floods", "a display", "from IPython.display import display\ndisplay({'text/plain': 'x' * 10**8}, raw=True)", "flooded|[Mm]emory"),
    harmless("floods", "a loop of displays", "from IPython.display import display\nwhile True: display('x' * 1000)", "flooded"),
    harmless("floods", "the raw outputs", "import os\nfor _ in range(10**5):\n    os.write(1, b'x' * 10**4); os.write(2, b'x' * 10**4)"),
    harmless("floods", "frames of one message", KERNEL + "import zmq, time\nbody = zmq.Frame(b'y' * (30 * 2**20), copy=False)\n"
             "def flood():\n    for _ in range(100): kernel.iopub_thread.socket.send(body, zmq.SNDMORE, copy=False)\n    kernel.iopub_thread.socket.send(b'')\n"
             "kernel.iopub_thread.io_loop.add_callback(flood)\ntime.sleep(10)", "flooded|died"),
    of_linear("floods", "in an answer", "while True: print('x' * 1000)", "flooded"),
    of_linear("floods", "a little in every round", "print('x' * 6 * 2**20)\nreturn x @ weight.T if bias is None else x @ weight.T + bias", ("flooded", "out of memory")),
    of_linear("floods", "an answer of a hundred thousand parts", "return [0] * 10**5", ("raised", "wrong")),
    of_linear("floods", "an answer that holds itself", "x = []\nx.append(x)\nreturn x", ("raised", "wrong")),
    of_linear("floods", "an answer of 100 MB", "return torch.zeros(25 * 10**6)", ("raised", "wrong", "out of memory")),
    of_linear("floods", "an answer that is a view of more than there is", "return torch.zeros(1).expand(2**40)", ("raised", "wrong", "out of memory")),
]  # fmt: skip

NAMES = ",".join(f"a{i}" for i in range(4000))
SOURCES = {
    "checks without end": 'check("a")  ' * 30 + "x",
    "hundreds of shell lines": "\n".join(["a = !true"] * 600) + "\n(",
    "thousands of magic lines": "%a\n" * 20000,
    "statements without end in one line": "a = 1; " * 30000,
    "an expression too deep": "x = " + "-" * 10**5 + "1",
    "a chain too long": "x = a" + ".b" * 10**5,
    "brackets": "[" * 10**5,
    "thousands of names at once": f"{NAMES} = {NAMES}\ndef helper(): return a1",
}
READING = [
    Attack("wears out the reader", f"{variant}", cell=code) for variant, code in SOURCES.items()
] + [
    Attack("wears out the reader", "a definition that uses them all", cell=f"{NAMES} = {NAMES}", attacked={"linear": "raised"}, answers={"linear": HEAD + "    return a1"}),
]  # fmt: skip

ATTACKS = [*TIME, *BOMBS, *STORES, *DISK, *FILES, *OUTPUT, *READING]
