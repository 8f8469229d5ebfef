"""What a forked process does to itself before it runs a learner's code: namespaces, mounts, limits, no privileges.

Linux only. Nothing of this can be undone from within. Sources: namespaces(7), user_namespaces(7), seccomp(2), capset(2).
"""

import ctypes
import os
import platform
import resource
import struct

from .limits import MIB, Limits

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP = 0x20000000, 0x40000000, 0x02000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER = 1, 4, 38, 22, 36
NOBODY = 65534  # whom root becomes: limits on the number of processes do not hold for root
GPU_FILES = 1024  # that CUDA's driver may open besides, on a machine with several GPUs
GPU_MEMORY = 1024 * MIB  # of the machine's, not the GPU's, that the driver and its libraries may take besides


def next_child_apart():
    """Let the next child be process 1 of a namespace of processes. Needs CAP_SYS_ADMIN, as most of `separate`."""
    _call("unshare", CLONE_NEWPID)


def next_child_here():
    """Let further children be ordinary ones again."""
    with open("/proc/self/ns/pid", encoding="utf-8") as here:
        _call("setns", here.fileno(), CLONE_NEWPID)


def separate(limits: Limits, private: str, groups: tuple[int, ...] = ()):
    """As process 1 of its namespace: see nothing but what is there to be read and an empty folder `private`, and have no rights left.

    groups: those that root stays in when it becomes nobody.
    """
    me = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)  # in the /proc of before, which may be written
    _call("unshare", CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS)
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
    size = f"mode=1777,nr_inodes=20000,size={int(limits.disk * MIB)}"
    _mount("tmpfs", private, "tmpfs", MS_NOSUID | MS_NODEV, size)
    _mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, f"mode=1777,nr_inodes=1000,size={16 * MIB}")
    _mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=600")
    if _is_root():
        os.setgroups(groups)
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        prctl(PR_SET_DUMPABLE, 1)  # else the files of `me` would be root's
    maps = {"setgroups": "deny", "uid_map": f"{NOBODY} {os.getuid()} 1", "gid_map": f"{NOBODY} {os.getgid()} 1"}
    _call("unshare", CLONE_NEWUSER)  # in which the system counts its processes by themselves
    for file, text in maps.items():
        descriptor = os.open(file, os.O_WRONLY, dir_fd=me)
        os.write(descriptor, text.encode())
        os.close(descriptor)
    os.close(me)
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _call("capset", header, bytes(24))
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def limit(limits: Limits, confined: bool, cuda: bool):
    """Set the system's limits for this process and its children. Memory comes on top of what is already in use."""
    bounds = {
        resource.RLIMIT_FSIZE: int(limits.file * MIB),
        resource.RLIMIT_NOFILE: limits.files + (GPU_FILES if cuda else 0),
        resource.RLIMIT_CORE: 0,
    }
    if not cuda:  # CUDA's driver reserves far more than it uses; there the template alone watches
        bounds[resource.RLIMIT_DATA] = _status_bytes("VmData") + int(limits.memory * MIB)
    if confined:  # else all processes of this user would be counted
        bounds[resource.RLIMIT_NPROC] = limits.processes
    for name, bound in bounds.items():
        hard = resource.getrlimit(name)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(name, (bound, bound))


def _is_root() -> bool:
    """Whether this is the machine's root, and not only that of bubblewrap's user namespace."""
    with open("/proc/self/uid_map", encoding="utf-8") as uid_map:
        return os.geteuid() == 0 and int(uid_map.read().split()[2]) > 1


def prctl(option: int, value: int):
    _call("prctl", option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _status_bytes(field):
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def _mount(source, target, kind, flags, data=None):
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    _call("mount", *texts, ctypes.c_ulong(flags), None if data is None else data.encode())


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


# System calls that no answer needs, and that reach past the limits (memory that belongs to no process, what all users of the machine share, new
# namespaces) or into other processes and the innards of the system. By number, x86_64 and aarch64: <asm/unistd.h>.
_REFUSED = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "vmsplice": (278, 75), "tee": (276, 77), "io_setup": (206, 0), "inotify_init": (253, 26), "inotify_init1": (294, 26),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432), "mount_setattr": (442, 442),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "fanotify_init": (300, 262),
}
# Said to be done, and not done: libraries count on these. A lock on a file that all can read would be seen by other notebooks; a session of its own
# would get a process another notebook's share of the processors (sched(7), autogroups).
_PRETENDED = {"flock": (73, 32), "setsid": (112, 157)}
_FCNTL, LOCKS = (72, 25), (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW
_MMAP = (9, 222)
SHARED_ANONYMOUS = 0x21  # memory that stays taken when no process shows it
_CLONE, _CLONE3 = (56, 220), (435, 435)
_SOCKET, FAMILIES = (41, 198), (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK; others, such as AF_VSOCK, belong to no network namespace
_SETSOCKOPT, SOL_SOCKET, BUFFERS = (54, 208), 1, (7, 8)  # SO_SNDBUF, SO_RCVBUF: memory that no process shows
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
LOAD, EQUAL, AT_LEAST, ANY_BIT, MASK, ANSWER = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # <linux/bpf_common.h>


def refuse_system_calls(cuda: bool):
    """Answer _REFUSED with "not permitted", and clone3 with "no such call": libraries then use clone, whose flags can be seen."""
    machine = platform.machine()
    if machine not in _AUDIT_ARCH:
        return
    column = list(_AUDIT_ARCH).index(machine)
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, _AUDIT_ARCH[machine]), (ANSWER, 0, 0, _KILL), (LOAD, 0, 0, 0)]
    if machine == "x86_64":  # the x32 numbers are other doors to the same calls
        program += [(AT_LEAST, 0, 1, 0x40000000), (ANSWER, 0, 0, _KILL)]
    for number in (numbers[column] for name, numbers in _REFUSED.items() if not (cuda and name == "memfd_create")):  # its driver may need it
        program += _if(EQUAL, number, [(ANSWER, 0, 0, _ERRNO | EPERM)])
    for numbers in _PRETENDED.values():
        program += _if(EQUAL, numbers[column], [(ANSWER, 0, 0, _ERRNO)])
    locks = [step for lock in LOCKS for step in _if(EQUAL, lock, [(ANSWER, 0, 0, _ERRNO)])]
    program += _if(EQUAL, _FCNTL[column], [(LOAD, 0, 0, _argument(1)), *locks, (LOAD, 0, 0, 0)])
    known = [step for family in FAMILIES for step in _if(EQUAL, family, [(ANSWER, 0, 0, _ALLOW)])]
    program += _if(EQUAL, _SOCKET[column], [(LOAD, 0, 0, _argument(0)), *known, (ANSWER, 0, 0, _ERRNO | EPERM)])
    sizes = [step for size in BUFFERS for step in _if(EQUAL, size, [(ANSWER, 0, 0, _ERRNO | EPERM)])]
    level = _if(EQUAL, SOL_SOCKET, [(LOAD, 0, 0, _argument(2)), *sizes])
    program += _if(EQUAL, _SETSOCKOPT[column], [(LOAD, 0, 0, _argument(1)), *level, (LOAD, 0, 0, 0)])
    program += _if(EQUAL, _CLONE3[column], [(ANSWER, 0, 0, _ERRNO | ENOSYS)])
    if not cuda:
        shared = _if(EQUAL, SHARED_ANONYMOUS, [(ANSWER, 0, 0, _ERRNO | EPERM)])
        program += _if(EQUAL, _MMAP[column], [(LOAD, 0, 0, _argument(3)), (MASK, 0, 0, SHARED_ANONYMOUS), *shared, (LOAD, 0, 0, 0)])
    namespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP
    program += _if(EQUAL, _CLONE[column], [(LOAD, 0, 0, _argument(0)), *_if(ANY_BIT, namespaces, [(ANSWER, 0, 0, _ERRNO | EPERM)])])
    program += [(ANSWER, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    _call("prctl", PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.create_string_buffer(filter_program), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _if(test, value, steps):
    """Steps to be taken where what was loaded last passes a test."""
    return [(test, 0, len(steps), value), *steps]


def _argument(number):
    """Where in a call's data the lower half of an argument lies."""
    return 16 + 8 * number
