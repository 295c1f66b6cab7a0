"""One connection to a broker: bytes in, bytes out, never blocking once it stands."""

import contextlib
import select
import socket
import ssl
import threading
import time
from collections import deque

from ingest.broker.port import Address

_OPEN_S = 10.0


class Link:
    """A connected socket, plain or TLS; used by one thread but for `queue` and `wake`."""

    def __init__(self, address: Address) -> None:
        """Connect and verify; raises OSError (ssl.SSLError for what TLS refuses)."""
        made = socket.create_connection((address.host, address.port), timeout=_OPEN_S)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls:
                made = _context(address).wrap_socket(made, server_hostname=address.host)
            made.settimeout(0)
        except BaseException:
            made.close()
            raise
        self._socket = made
        self.tls = isinstance(made, ssl.SSLSocket)
        self._waking = threading.Lock()
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)
        self._poll.register(self._socket, 0)
        self._out: deque[bytes] = deque()
        self._unsent = b""
        self._stuck = False
        self.backlog = 0
        """Bytes queued and not sent yet, roughly."""
        self.heard_s = self.spoke_s = time.monotonic()
        """When bytes last came, and went."""

    def queue(self, data: bytes) -> None:
        """Send this after what was queued before; the other thread is woken by `wake`."""
        self.backlog += len(data)
        self._out.append(data)

    def wake(self) -> None:
        """End a `wait` of the thread that owns the link."""
        # Locked against `close`: the number of a closed socket may be another one's already.
        with self._waking, contextlib.suppress(OSError):  # full: it is being woken already
            self._waker.send(b"\0")

    def wait(self, timeout_s: float, *, read: bool) -> bool:
        """Wait until there is something to do; return whether to read."""
        if read and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True  # decrypted and waiting where no poll sees it
        events = select.POLLIN if read else 0
        if self._stuck:
            events |= select.POLLOUT
        self._poll.modify(self._socket, events)
        ready = False
        for number, what in self._poll.poll(max(0.0, timeout_s * 1000)):
            if number == self._woken.fileno():
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
            else:  # an end is told unasked: it must be read, or this would not wait any more
                ready = read or bool(what & (select.POLLHUP | select.POLLERR))
        return ready

    def read_into(self, room: memoryview) -> int:
        """Return how many bytes came into `room`, 0 if nothing has come; raises OSError at the end.

        Fewer than there is room for means that there was no more; a TLS record ends a read, too.
        """
        try:
            count = self._socket.recv_into(room)
        except (BlockingIOError, ssl.SSLWantReadError):
            return 0
        except ssl.SSLWantWriteError:
            self._stuck = True
            return 0
        if not count:
            raise ConnectionResetError("the broker hung up")
        self.heard_s = time.monotonic()
        return count

    def flush(self) -> bool:
        """Send what is queued, in one write if it can be; return whether all is gone."""
        self._stuck = False
        while self._unsent or self._out:
            if not self._unsent:
                some = [self._out.popleft() for _ in range(len(self._out))]
                self._unsent = some[0] if len(some) == 1 else b"".join(some)
                self.backlog = len(self._unsent)
            try:
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._stuck = True
                return False
            except ssl.SSLWantReadError:
                return False
            self._unsent = self._unsent[sent:]
            self.spoke_s = time.monotonic()
        self.backlog = 0
        return True

    def close(self) -> None:
        """Close it; may be called twice."""
        with self._waking:
            for each in (self._socket, self._woken, self._waker):
                each.close()


def _context(address: Address) -> ssl.SSLContext:
    """Return what trusts the named authority, or the machine's, and checks the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.ca_file:
        context.load_verify_locations(address.ca_file)
    else:
        context.load_default_certs()
    return context
