"""Attacks on the walls: namespaces, privileges, other processes, limits; and on what a kernel leaves behind."""

from .attack import Attack, harmless, of_linear

C = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\ndef must_fail(result):\n    assert result == -1, 'allowed'\n    raise OSError(ctypes.get_errno(), 'refused')\n"
REFUSED = {
    "unshare": "must_fail(libc.unshare(0x10000000))",
    "unshare, mounts": "must_fail(libc.unshare(0x00020000))",
    "clone into a new user namespace": "must_fail(libc.syscall(56 if os.uname().machine == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0))",
    "clone3": "must_fail(libc.syscall(435, None, 0))",
    "mount": "must_fail(libc.mount(b'x', b'/tmp', b'tmpfs', 0, None))",
    "umount": "must_fail(libc.umount2(b'/tmp', 2))",
    "pivot_root": "must_fail(libc.syscall(155, b'/tmp', b'/tmp'))",
    "setuid": "os.setresuid(0, 0, 0) if os.getuid() else must_fail(-1)",
    "chroot": "os.chroot('/tmp')",
    "ptrace of process 1": "must_fail(libc.ptrace(16, 1, None, None))",
    "reading process 1's memory": "must_fail(libc.process_vm_readv(1, None, 0, None, 0, 0))",
    "files of process 1": "must_fail(libc.syscall(438, os.pidfd_open(1), 0, 0))",
    "raised limits, memory": "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
    "raised limits, processes": "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))",
    "raised limits, files": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (10**5, 10**5))",
    "writing to /proc/sys": "open('/proc/sys/kernel/hostname', 'w').write('x')",
    "writing to the system": "open('/usr/lib/x', 'w')",
    "writing to the grader": "import grader\nopen(os.path.join(os.path.dirname(grader.__file__), 'watch.py'), 'a')",
    "writing to torch": "import torch\nopen(torch.__file__, 'a')",
    "a module of its own for the next": "import site\nopen(os.path.join(site.getsitepackages()[0], 'sitecustomize.py'), 'w')",
    "a device": "os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0))",
    "memory of the machine": "open('/dev/mem', 'rb')",
    "memory that belongs to no process": "os.memfd_create('x')",
    "System V memory": "must_fail(libc.shmget(0, 4096, 0o1600))",
    "io_uring": "must_fail(libc.syscall(425, 1, None))",
    "perf": "must_fail(libc.syscall(298 if os.uname().machine == 'x86_64' else 241, None, 0, -1, -1, 0))",
    "keyrings": "must_fail(libc.syscall(250 if os.uname().machine == 'x86_64' else 219, 0, -3, 1))",
    "asynchronous input and output": "must_fail(libc.syscall(206 if os.uname().machine == 'x86_64' else 0, 65536, ctypes.byref(ctypes.c_long(0))))",
    "watching files": "must_fail(libc.inotify_init1(0))",
    "a queue of messages": "must_fail(libc.syscall(240 if os.uname().machine == 'x86_64' else 180, b'x', 0o102, 0o600, None))",
    "pages in pipes": "must_fail(libc.vmsplice(os.pipe()[1], (ctypes.c_size_t * 2)(0, 0), 1, 0))",
    "larger sockets": "import socket\nsocket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**23)",
    "sockets of the system's ciphers": "import socket\nsocket.socket(38, socket.SOCK_SEQPACKET)",
    "a lower nice value": "os.nice(-10)",
    "kill by a broad blow": "os.kill(-1, 9)",
    "the clock": "import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)",
}
WALLS = [harmless("climbs the wall", variant, C + code, "Error") for variant, code in REFUSED.items()]

PRETENDED = {  # they end in "as hoped" where nothing came of them
    "a lock on a shared file": "import fcntl, torch\nfor _ in range(2): fcntl.flock(open(torch.__file__), fcntl.LOCK_EX | fcntl.LOCK_NB)\nraise OSError('as hoped')",
    "a lock on a part of a shared file": "import fcntl, struct, torch\nfile = open(torch.__file__)\nfcntl.lockf(file, fcntl.LOCK_SH)\nask = struct.pack('hhlli', fcntl.F_WRLCK, 0, 0, 0, 0)\n"
    "if os.fork() == 0: os._exit(struct.unpack_from('h', fcntl.fcntl(file, fcntl.F_GETLK, ask))[0] != fcntl.F_UNLCK)\nif os.wait()[1] == 0: raise OSError('as hoped')",
    "a session of its own": "if os.fork() == 0:\n    before = os.getsid(0)\n    os.setsid()\n    os._exit(os.getsid(0) != before)\nif os.wait()[1] == 0: raise OSError('as hoped')",
    "a shell command": "!echo as; exit 3\nwords = !echo hoped\nif (_exit_code, words) == (3, ['hoped']): raise OSError('as hoped')",
    "a program apart": "import subprocess\nif subprocess.run(['echo', 'x'], start_new_session=True, stdout=-1).stdout == b'x\\n': raise OSError('as hoped')",
}
WALLS += [harmless("seems to climb the wall", variant, "import os\n" + code, "as hoped") for variant, code in PRETENDED.items()]

DAEMON = """import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 65):
            try: __import__('signal').signal(number, __import__('signal').SIG_IGN)
            except (OSError, ValueError): pass
        while True:
            for name in ('/tmp/work/{0}', '/tmp/{0}', '/dev/shm/{0}'):
                try: open(name, 'a').write('x')
                except OSError: pass
            time.sleep(0.01)
    os._exit(0)
os.wait()
"""
AFTER = [
    harmless("goes on after the cell", "a daemon", DAEMON.replace("{0}", "linear_daemon"), gone=("/tmp/linear_daemon", "/dev/shm/linear_daemon")),
    harmless("goes on after the cell", "a thread", "import threading, time\nthreading.Thread(target=lambda: time.sleep(1000)).start()"),
    harmless("goes on after the cell", "at the exit", "import atexit, time\natexit.register(time.sleep, 1000)"),
    harmless("goes on after the cell", "a child that hangs", "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)"),
    harmless("leaves files behind", "in /tmp and /dev/shm", "for name in ('/tmp/linear_left', '/dev/shm/linear_left'):\n    open(name, 'w').write('x')",
             gone=("/tmp/linear_left", "/dev/shm/linear_left")),
    harmless("deletes all that it may", "files", "import shutil, grader, os\nfor folder in ('/tmp', '.', '/dev/shm', os.path.dirname(grader.__file__), os.path.expanduser('~')):\n    shutil.rmtree(folder, ignore_errors=True)"),
]  # fmt: skip

SIGNALS = [
    harmless("ends processes", "process 1 by SIGKILL", "import os\nos.kill(1, 9); os.kill(os.getppid(), 9)"),
    harmless("ends processes", "process 1 by SIGINT", "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT); time.sleep(1)"),
    harmless("ends processes", "a storm of SIGCHLD for process 1", "import os, signal\nfor _ in range(10**5): os.kill(1, signal.SIGCHLD)"),
    harmless("ends processes", "whatever has a number", "import os\nfor pid in range(2, 5000):\n    if pid != os.getpid():\n        try: os.kill(pid, 9)\n        except OSError: pass"),
    harmless("stops processes", "process 1", "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)"),
    harmless("stops processes", "its process group", "import os, signal\nos.kill(0, signal.SIGSTOP)"),
    harmless("closes files", "all", "import os\nos.closerange(0, 300)", "kernel died"),
    harmless("closes files", "the sockets one by one", "import os\nfor number in range(300):\n    try: os.close(number)\n    except OSError: pass", "kernel died"),
    of_linear("ends its process", "os._exit", "import os; os._exit(0)", "kernel died"),
    of_linear("ends its process", "SIGKILL", "import os, signal; signal.pthread_kill(__import__('threading').get_ident(), 9); os.kill(os.getpid(), 9)", ("kernel died", "wrong", "raised")),
    of_linear("ends its process", "a fault in C", "import ctypes; ctypes.string_at(0)", "kernel died"),
    of_linear("ends its process", "abort", "import os; os.abort()", "kernel died"),
    of_linear("ends its process", "SystemExit", "raise SystemExit", "raised"),
    of_linear("ends its process", "KeyboardInterrupt", "raise KeyboardInterrupt", ("raised", "kernel died", "wrong")),
    of_linear("ends its process", "exec of another program", "import os; os.execv('/bin/true', ['true'])", "kernel died"),
    of_linear("ends its process", "a replaced kernel that hangs up", "get_ipython().kernel.iopub_socket.io_thread.socket.close(0)\nreturn x", ("timed out", "kernel died", "wrong")),
    Attack("ends its process", "later, from a thread", cell="import os, threading\nthreading.Timer(2, os._exit, [0]).start()"),
]  # fmt: skip

ATTACKS = [*WALLS, *AFTER, *SIGNALS]
