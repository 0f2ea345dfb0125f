"""A TCP proxy before a server of a test: it cuts connections, keeps answers to itself, and speaks TLS where the server does not."""
import contextlib
import os
import socket
import ssl
import threading

from support.authority import OVER, Authority


class Proxy:
    """Connects 127.0.0.1:PORT with the server. `certificate`: a file of certificate and key, for TLS on the outside."""

    def __init__(self, target, certificate=None):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.certificate = certificate
        self.cuts = 0  # connections that are still to be cut
        self.cut_after = 0  # octets from the client
        self.made = 0  # connections so far
        self.taken = 0  # octets of clients that went on to the server
        self.ends = []  # of connections
        self.mute = False  # the server's answers do not come through
        self.muted = 0  # octets of answers that did not
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self, count, after):
        with self.lock:
            self.cuts, self.cut_after = count, after

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        left = None
        with self.lock:
            self.made += 1
            if self.cuts > 0:
                self.cuts -= 1
                left = self.cut_after
        try:
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                client = context.wrap_socket(client, server_side=True)
            server = socket.create_connection(self.target, timeout=30)
        except OSError:
            client.close()
            return
        with self.lock:
            self.ends += [client, server]
        back = threading.Thread(target=self.carry, args=(server, client, None, True), daemon=True)
        back.start()
        self.carry(client, server, left)

    def carry(self, source, sink, left, answers=False):
        """Until one side ends, or so many octets have passed; then both ends are closed."""
        try:
            while left is None or left > 0:
                data = source.recv(65536 if left is None else min(left, 65536))
                if not data:
                    break
                if answers and self.mute:
                    self.muted += len(data)
                    continue
                sink.sendall(data)
                if not answers:
                    self.taken += len(data)
                left = None if left is None else left - len(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def go_away(self):
        """As a host that ends: who connects is refused, and connections end."""
        # A thread that waits in accept() keeps it open.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.close()
        with self.lock:
            for end in self.ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


def certificates(folder):
    """A certificate authority and what it signed for 127.0.0.1, a good one and an expired one, as files in the folder."""
    authority = Authority(os.path.join(folder, "authority"))
    return {"ca": authority.ca, "good": authority.sign("good"), "expired": authority.sign("expired", during=OVER)}
