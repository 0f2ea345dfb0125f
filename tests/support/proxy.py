"""A TCP proxy before a server of a test: it cuts connections, keeps answers to itself, and speaks TLS where the server does not."""
import os
import socket
import ssl
import subprocess
import threading


class Proxy:
    """Connects 127.0.0.1:PORT with the server. `certificate`: a file of certificate and key, for TLS on the outside."""

    def __init__(self, target, certificate=None):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.certificate = certificate
        self.cuts = 0  # connections that are still to be cut
        self.cut_after = 0  # octets from the client
        self.made = 0  # connections so far
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
                left = None if left is None else left - len(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def close(self):
        self.listener.close()


def certificates(folder):
    """A certificate authority and what it signed for 127.0.0.1, a good one and an expired one, as files in the folder."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    os.makedirs(os.path.join(folder, "signed"))
    for name, content in (("index", ""), ("serial", "01"), ("cnf", "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=signed\n"
                                                            "default_md=sha256\npolicy=p\ncopy_extensions=copy\nunique_subject=no\n[p]\ncommonName=supplied\n")):
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(content)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key", "-out", "csr")
    found = {"ca": os.path.join(folder, "ca.pem")}
    for name, begin, end in (("good", "20240101000000Z", "20480101000000Z"), ("expired", "20200101000000Z", "20200201000000Z")):
        openssl("ca", "-batch", "-notext", "-config", "cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "csr", "-out", name, "-startdate", begin, "-enddate", end)
        path = os.path.join(folder, name + ".pem")
        with open(path, "wb") as out:
            for part in (name, "key"):
                with open(os.path.join(folder, part), "rb") as f:
                    out.write(f.read())
        found[name] = path
    return found
