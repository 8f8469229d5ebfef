"""Attacks that read what is not theirs: secrets, solutions, other submissions, the catalogue; and roads out over the network.

Each tells what it found in the message of an exception, which stands in the report.
"""

from .attack import HEAD, Attack, harmless, of_linear

WORDS = ("open-sesame", "compose_reference", "forgets_the_transpose")  # a secret of the test, a reference and an impostor
TELL = "\nraise Exception('found: ' + str(found)[:15000])"
WALK = """
import os
found = []
for top in {tops}:
    for folder, folders, files in os.walk(top):
        folders[:] = [each for each in folders if each not in ('site-packages', 'dist-packages', 'torch')]
        for name in files:
            if name.endswith(('.ipynb', '.json', '.db', '.txt', '.md')) or 'catalogue' in folder or 'solutions' in folder:
                try: found.append(open(os.path.join(folder, name), errors='ignore').read(3000))
                except OSError: pass
"""
PROC = """
import glob
found = []
for path in glob.glob('/proc/*/{what}') + ['/proc/1/{what}', '/proc/self/{what}']:
    try: found.append(open(path, errors='ignore').read(5000))
    except OSError: pass
"""
CATALOGUE = "import grader.catalogue\nfound = 1\nlinear = grader.catalogue.all_tasks()['linear'].reference"
LOADED = "import importlib.util, sys, os, grader\nroot = os.path.dirname(grader.__file__)\n"


def thief(variant, code, name="reads what is not his", note="found"):
    return harmless(name, variant, code + TELL, note)


THIEVES = [
    thief("secrets in the environment", "import os\nfound = dict(os.environ)"),
    thief("secrets in C's environment", "import ctypes\nlibc = ctypes.CDLL(None)\nfound = []\nenviron = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')\n"
          "for i in range(200):\n    if not environ[i]: break\n    found.append(environ[i])"),
    *(thief(f"/proc/*/{what}", PROC.format(what=what)) for what in ("environ", "cmdline", "maps", "root/etc/shadow", "cwd/secret.txt", "fd/3")),
    thief("the memory of others", "found = []\nimport glob\nfor path in glob.glob('/proc/[0-9]*/mem'):\n    if path.split('/')[2] == str(__import__('os').getpid()): continue\n"
          "    try: open(path, 'rb').read(1); found.append(path)\n    except OSError: pass"),
    *(thief(f"files under {tops[0]}", WALK.format(tops=repr(tops))) for tops in (["/root", "/home"], ["/tmp", "/var", "/run"], ["/srv", "/mnt", "/opt", "/work"], [".."], ["/etc"])),
    thief("the course beside the grader", LOADED + WALK.format(tops="[os.path.dirname(root)]")),
    thief("the log of the machine", "import ctypes\nlibc = ctypes.CDLL(None)\nbuffer = ctypes.create_string_buffer(4096)\nfound = libc.klogctl(3, buffer, 4096) > 0"),
    Attack("takes the catalogue's answer", "by importing it", last=CATALOGUE, attacked={"linear": "not attempted"}, note="ModuleNotFoundError"),
    Attack("takes the catalogue's answer", "from a loaded module", attacked={"linear": "not attempted"}, note="KeyError",
           last="import sys\nlinear = sys.modules['grader.catalogue.formula.linear'].linear_reference"),
    Attack("takes the catalogue's answer", "from the garbage collector", attacked={"linear": ("not attempted",)}, note="IndexError",
           last="import gc\nlinear = [o for o in gc.get_objects() if getattr(o, '__name__', '') == 'linear_reference'][0]"),
    Attack("takes the catalogue's answer", "from its file", attacked={"linear": "not attempted"}, note="FileNotFoundError",
           last=LOADED + "exec(open(os.path.join(root, 'catalogue/formula/linear.py')).read())"),
]  # fmt: skip

CONNECT = "import socket\nsocket.setdefaulttimeout(1)\nfound = {}\n"
NETWORK = [
    harmless("uses the network", variant, CONNECT + code, note)
    for variant, note, code in (
        ("TCP to this machine", "Error|timeout", "socket.create_connection(('127.0.0.1', 22))"),
        ("TCP to itself", "Error|timeout", "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); socket.create_connection(s.getsockname())"),
        ("TCP outside", "Error|timeout", "socket.create_connection(('1.1.1.1', 443))"),
        ("UDP outside", "Error|timeout", "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))"),
        ("IPv6", "Error|timeout", "socket.create_connection(('2606:4700::1111', 443))"),
        ("a name to look up", "gaierror", "socket.getaddrinfo('example.org', 80)"),
        ("a virtual machine's host", "Error", "s = socket.socket(40, socket.SOCK_STREAM); s.connect((2, 1024))"),
        ("abstract sockets", "left alone", "names = [line.split()[-1] for line in open('/proc/net/unix') if '@' in line]\n"
         "for name in names: socket.socket(socket.AF_UNIX).connect(name.replace('@', chr(0)))\nraise Exception('left alone')"),
        ("the sockets of kernels", "left alone", "import glob, os, stat\nfor path in glob.glob('/tmp/**/kernel*', recursive=True) + glob.glob('/run/**/*.sock', recursive=True):\n"
         "    if stat.S_ISSOCK(os.stat(path).st_mode): socket.socket(socket.AF_UNIX).connect(path)\nraise Exception('left alone')"),
        ("a packet socket", "PermissionError", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    )
]  # fmt: skip

ANSWERS = [
    of_linear("tells a secret in its answer", "as the exception", "import os\nraise Exception(str(dict(os.environ)))", "raised"),
    Attack("tells a secret in its answer", "as a text", attacked={"output_shape": "wrong"},
           answers={"output_shape": "def output_shape(*a):\n    import os\n    return str(dict(os.environ))[:15000]"}),
    Attack("tells a secret in its answer", "as the keys of a dict", attacked={"linear": ("wrong", "raised")},
           answers={"linear": HEAD + "    import os\n    return dict(os.environ)"}),
]  # fmt: skip

ATTACKS = [*THIEVES, *NETWORK, *ANSWERS]
