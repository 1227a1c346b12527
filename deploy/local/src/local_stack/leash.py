"""Turns into a command that dies with its parent: `python leash.py PARENT SIGNAL USER COMMAND…`.

On Linux the kernel sends SIGNAL to the command as soon as the thread that started it ends, however it ends. USER is a user id to change to,
or `-`: changing users clears the kernel's promise, so both happen here, in this order. A script of its own, with nothing imported that
costs time: it runs before every server and service. Other systems have no such promise; there the next start reclaims what is left.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, signal: str, user: str, *command: str) -> None:
    if user != "-":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it ended before the promise was given
            sys.exit("the parent has ended")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
