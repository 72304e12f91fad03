"""Run a module as a child that never outlives its supervisor: `python -m fiu.child MODULE ...`.

Standard input is a pipe whose other end only the supervisor holds. At its end of file this process
sends itself TERM, and kills its whole group if that does not help. The pipe is moved away from
descriptor 0 and read with `os.read`: a thread reading `sys.stdin` would hold a lock across fork.
"""

import os
import runpy
import signal
import sys
import threading
import time
import warnings

SECONDS_TO_END = 8.0
STARTS_ANEW = 75  # exit status (EX_TEMPFAIL) of a child that ends to be started again


def watch_supervisor() -> None:
    """Move the pipe away and wait for its end in a thread."""
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    main_process = os.getpid()

    def wait() -> None:
        while os.read(pipe, 1024):
            pass
        os.kill(main_process, signal.SIGTERM)
        time.sleep(SECONDS_TO_END)
        os.killpg(os.getpgid(main_process), signal.SIGKILL)

    threading.Thread(target=wait, name="supervisor-watch", daemon=True).start()


def main() -> None:
    """Run the module named first, and end with the supervisor."""
    module, *arguments = sys.argv[1:]
    if os.getpgid(0) != os.getpid():
        os.setpgid(0, 0)
    watch_supervisor()
    warnings.filterwarnings("ignore", message=".*superuser privileges.*")
    sys.path.insert(0, os.getcwd())
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
