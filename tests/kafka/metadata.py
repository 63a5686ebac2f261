"""Whether a broker answers: one Metadata request by hand, so that no client has to be built."""

import socket
import struct
import threading
import time
from collections.abc import Callable

ASK_SECONDS_MAX = 1.0
_LOOK_SECONDS = 0.01
_METADATA, _VERSION, _CORRELATION = 3, 4, 1


def answers(address: str, seconds: float = ASK_SECONDS_MAX) -> bool:
    """Whether a broker at `host:port` answers, and lists at least one broker."""
    host, _, port = address.rpartition(":")
    # Request header 1, then: no topic in particular, create none.
    request = struct.pack(">hhihib", _METADATA, _VERSION, _CORRELATION, -1, 0, 0)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=seconds) as stream:
            stream.sendall(struct.pack(">i", len(request)) + request)
            # Length, correlation id, throttle time, number of brokers.
            answer = stream.recv(16, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == 16 and int(struct.unpack(">iiii", answer)[3]) > 0


def wait_until_it_answers(address: str, seconds: float, alive: Callable[[], bool]) -> bool:
    """Whether it answers within so many seconds, while whoever starts it is `alive`."""
    never, until = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < until and alive():
        if answers(address):
            return True
        never.wait(_LOOK_SECONDS)
    return False
