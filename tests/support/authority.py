"""A certificate authority of a test's own, by openssl: it signs what a server or a client is to show."""
import os
import subprocess

YEARS = ("20240101000000Z", "20480101000000Z")
OVER = ("20200101000000Z", "20200201000000Z")  # expired
PASSPHRASE = "passphrase-secret"


class Authority:
    """Files of one folder: ca.pem, and NAME.pem with certificate and key of all that it signed, NAME.crt and NAME.key apart."""

    def __init__(self, folder, name="test authority"):
        self.folder = folder
        os.makedirs(os.path.join(folder, "signed"))
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=" + name, "-keyout", "ca.key", "-out", "ca.pem",
                     "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        for file, content in (("index", ""), ("serial", "01"), ("cnf", "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=signed\n"
                                                                "default_md=sha256\npolicy=p\ncopy_extensions=copy\nunique_subject=no\n"
                                                                "[p]\ncommonName=supplied\n")):
            with open(self.path(file), "w", encoding="ascii") as f:
                f.write(content)
        self.ca = self.path("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def sign(self, name, subject="localhost", also="DNS:localhost,IP:127.0.0.1", during=YEARS):
        """The path of a file with certificate and key."""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + subject, "-addext", "subjectAltName=" + also, "-keyout", name + ".key",
                     "-out", name + ".csr")
        self.openssl("ca", "-batch", "-notext", "-config", "cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", name + ".csr", "-out", name + ".crt",
                     "-startdate", during[0], "-enddate", during[1])
        with open(self.path(name + ".pem"), "wb") as out:
            for part in (".crt", ".key"):
                with open(self.path(name + part), "rb") as f:
                    out.write(f.read())
        return self.path(name + ".pem")

    def locked(self, name):
        """The path of a key that PASSPHRASE opens."""
        self.openssl("pkcs8", "-topk8", "-in", name + ".key", "-out", name + ".locked", "-v2", "aes256", "-passout", "pass:" + PASSPHRASE)
        return self.path(name + ".locked")
