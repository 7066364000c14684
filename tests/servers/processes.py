"""The ending of servers that tests have started."""

import signal
import subprocess


def end(process: subprocess.Popen[bytes], how: signal.Signals, *, seconds: float) -> None:
    """Send a signal and wait; kill what has not ended by then. What is paused ends as well."""
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
