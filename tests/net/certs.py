"""Certificates made by openssl, for the tests of TLS. A folder of them is
made once a run: a CA, what it issued, good and bad, and self-signed ones."""
import atexit
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile


def openssl(*args, text=None):
    return subprocess.run(("openssl",) + args, check=True, input=text,
                          capture_output=True).stdout


def pin_of(cert):
    """SHA-256 of the public key, as anybody can compute it."""
    pub = openssl("x509", "-in", cert, "-noout", "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "DER", text=pub)
    return hashlib.sha256(der).hexdigest()


class Certs:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="certs.")
        atexit.register(shutil.rmtree, self.dir, True)
        self.ca = self.make("ca", "Test CA", ca=True)
        self.other_ca = self.make("other", "Other CA", ca=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def make(self, name, cn, san="", issuer=None, ca=False, key="ec", days=30,
             again=False):
        """NAME.pem and NAME.key; without issuer self-signed. days: to come,
        or negative: over. The path of the certificate."""
        cert, pkey, csr = (self.path(name + x) for x in
                           (".pem", ".key", ".csr"))
        if not again:
            openssl("genpkey", "-out", pkey, *(
                ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
                if key == "weak" else
                ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")))
        os.chmod(pkey, 0o600)
        ext = self.path(name + ".ext")
        with open(ext, "w") as f:
            f.write("basicConstraints=critical,CA:%s\n" % str(ca).upper())
            if san:
                f.write("subjectAltName=%s\n" % san)
        openssl("req", "-new", "-key", pkey, "-subj", "/CN=" + cn, "-out", csr)
        by = (("-CA", self.path(issuer + ".pem"), "-CAkey",
               self.path(issuer + ".key"), "-CAcreateserial")
              if issuer else ("-signkey", pkey))
        # x509 has no way to date a certificate back but a clock that is wrong
        openssl("x509", "-req", "-in", csr, "-out", cert, "-extfile", ext,
                "-days", str(days), *by)
        return cert

    def key(self, name):
        return self.path(name + ".key")

    @functools.cached_property
    def good(self):
        return self.make("good", "good", "IP:127.0.0.1,DNS:localhost,IP:::1",
                         issuer="ca")

    @functools.cached_property
    def expired(self):
        return self.make("expired", "old", "IP:127.0.0.1", issuer="ca",
                         days=-1)

    @functools.cached_property
    def wrong_host(self):
        return self.make("wrong", "wrong", "DNS:other.example", issuer="ca")

    @functools.cached_property
    def unknown(self):
        return self.make("unknown", "unknown", "IP:127.0.0.1", issuer="other")

    @functools.cached_property
    def weak(self):
        return self.make("weak", "weak", "IP:127.0.0.1", issuer="ca",
                         key="weak")

    @functools.cached_property
    def own(self):
        return self.make("own", "own", "IP:127.0.0.1")


@functools.lru_cache(maxsize=None)
def certs():
    return Certs()
