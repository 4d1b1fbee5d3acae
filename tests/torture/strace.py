"""Kills and failures at a chosen system call, by `strace`."""

import os
import re
from collections import Counter

# The calls at which the program is killed or made to fail: files, network, processes, and what it waits with.
KINDS = (
    "open", "openat", "read", "pread64", "write", "writev", "pwrite64", "close", "lseek", "fsync", "fdatasync",
    "ftruncate", "fallocate", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir",
    "mkdirat", "rmdir", "fchmod", "fchmodat", "chmod", "flock", "fcntl", "fstat", "newfstatat", "statx", "readlink",
    "readlinkat", "getdents64", "socket", "socketpair", "connect", "bind", "listen", "accept4", "getsockname",
    "getpeername", "setsockopt", "getsockopt", "sendto", "sendmsg", "recvfrom", "recvmsg", "poll", "ppoll",
    "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "pipe2", "eventfd2", "dup", "fork", "vfork",
    "clone", "clone3", "execve", "wait4", "waitid", "kill", "exit_group", "getcwd", "setsid", "setpgid",
    "getrandom",
)

DISK = ("ENOSPC", "EIO", "EDQUOT", "EROFS")
OPEN = ("EMFILE", "ENFILE", "ENOMEM", "EIO", "ENOSPC", "EROFS", "EACCES")
NETWORK = ("ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOBUFS")

# What each call may fail with. A call that is not named here is killed at, and not made to fail.
ERRORS = {
    "open": OPEN, "openat": OPEN, "read": ("EIO", "ENOMEM", "EINTR"), "pread64": ("EIO",),
    "write": (*DISK, "EPIPE", "EINTR"), "writev": (*DISK, "EPIPE"), "pwrite64": DISK, "lseek": ("EIO", "ESPIPE"),
    "fsync": DISK, "fdatasync": DISK, "ftruncate": DISK, "fallocate": (*DISK, "EOPNOTSUPP"),
    "rename": (*DISK, "EACCES"), "renameat": (*DISK, "EACCES"), "renameat2": (*DISK, "EINVAL", "EACCES"),
    "link": DISK, "linkat": (*DISK, "EPERM"), "unlink": ("EIO", "EROFS", "EACCES"),
    "unlinkat": ("EIO", "EROFS", "EACCES"), "mkdir": (*DISK, "EACCES"), "mkdirat": (*DISK, "EACCES"),
    "rmdir": ("EIO", "EROFS"), "fchmod": ("EIO", "EPERM", "EROFS"), "fchmodat": ("EIO", "EPERM"),
    "chmod": ("EIO", "EPERM"), "flock": ("ENOLCK", "EIO", "EINTR"), "fcntl": ("ENOLCK", "EIO", "EMFILE"),
    "fstat": ("EIO", "ENOMEM"), "newfstatat": ("EIO", "EACCES", "ENOMEM"), "statx": ("EIO", "EACCES", "ENOMEM"),
    "readlink": ("EIO", "EACCES"), "readlinkat": ("EIO", "EACCES"), "getdents64": ("EIO",), "getcwd": ("ENOENT",),
    "socket": ("EMFILE", "ENFILE", "ENOBUFS", "EAFNOSUPPORT"), "socketpair": ("EMFILE", "ENFILE"),
    "connect": (*NETWORK, "ECONNREFUSED"), "bind": ("EADDRINUSE", "EACCES", "ENOBUFS"),
    "listen": ("EADDRINUSE", "ENOBUFS"), "accept4": ("EMFILE", "ENFILE", "ECONNABORTED", "ENOMEM"),
    "getsockname": ("ENOBUFS",), "getpeername": ("ENOTCONN",), "setsockopt": ("ENOMEM", "ENOPROTOOPT"),
    "getsockopt": ("ENOBUFS",), "sendto": (*NETWORK, "EPIPE", "EAGAIN"), "sendmsg": (*NETWORK, "EPIPE"),
    "recvfrom": (*NETWORK, "EAGAIN", "EINTR"), "recvmsg": (*NETWORK, "EAGAIN"), "poll": ("ENOMEM", "EINTR"),
    "ppoll": ("ENOMEM", "EINTR"), "epoll_create1": ("EMFILE", "ENOMEM"), "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "pipe2": ("EMFILE", "ENFILE"), "eventfd2": ("EMFILE", "ENFILE"), "dup": ("EMFILE",), "vfork": ("EAGAIN", "ENOMEM"),
    "clone": ("EAGAIN", "ENOMEM"), "clone3": ("EAGAIN", "ENOMEM"), "execve": ("ENOMEM", "EACCES"), "wait4": ("EINTR",),
    "setsid": ("EPERM",), "setpgid": ("EACCES",),
}

# What the loader reads before the program itself begins.
LOADER = re.compile(r'"(?:/lib|/usr/lib|/lib64|/etc/ld|/proc/self/maps|/sys/)')

LINE = re.compile(r"(\d+) +(\w+)\((.*)")


def watching(kinds, log, inject=None, text=80):
    """The words before a command that let `strace` watch it, and do something to it."""
    # Not every machine has every call.
    watched = ",".join(f"?{kind}" for kind in kinds)
    words = ["strace", "-f", "-q", "-s", str(text), "-o", log, "-e", f"trace={watched}"]
    # The fast way does not inject signals.
    words += [] if "signal=" in (inject or "") else ["--seccomp-bpf"]
    return words + (["-e", f"inject={inject}"] if inject else []) + ["--"]


def calls(log):
    """The calls of a run, by name and number; each process and thread is counted by itself, as `strace` does."""
    counts, found, loading, began = Counter(), set(), set(), {}
    with open(log, errors="replace") as lines:
        for line in lines:
            match = LINE.match(line)
            if not match:
                continue
            process, name, rest = match.groups()
            counts[process, name] += 1
            found.add((name, counts[process, name]))
            # All that a process does until it has closed its last library belongs to the loader.
            if LOADER.search(rest):
                loading.add(process)
            elif name == "close" and process in loading:
                loading.remove(process)
                began.update({key: count for key, count in counts.items() if key[0] == process})
    # What is injected meets each process at this number, so it must lie behind the loader in all of them.
    first = Counter()
    for (_, name), count in began.items():
        first[name] = max(first[name], count)
    return [(name, number) for name, number in found if number > first[name]]


def reached(log):
    """How often something was injected, by the log of the run."""
    try:
        with open(log, errors="replace") as lines:
            return sum("INJECTED" in line or "killed by SIGKILL" in line for line in lines)
    except OSError:
        return 0


def plan_errors(found):
    """All failures to inject: one for each call and each error that the call may have."""
    return [f"{name}:error={error}:when={number}" for name, number in found for error in ERRORS.get(name, ())]


def plan_kills(found):
    return [f"{name}:signal=KILL:when={number}" for name, number in found if name != "execve" or number > 1]


def log_of(home):
    return os.path.join(home.path, "trace")
