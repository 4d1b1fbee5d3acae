"""A network of a worker's own, in which every address of the world is this machine.

Nothing that a run does reaches another machine, and a canary sees each connection that goes to no server of the run.
"""

import ctypes
import ipaddress
import os
import socket
import ssl
import subprocess
import threading

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000

# A public address, at which the hostile server is, and the ports that the canary watches on all others.
PUBLIC, PORT, WATCHED = "93.184.216.34", 8444, (80, 443, 8080, 8443)

# Names and what they stand for. What is named `mixed` belongs to the hostile server, whose owner writes the list.
NAMES = {
    "mcp.attacker.test": [PUBLIC], "intranet.test": ["10.9.9.9"], "ten.test": ["10.1.2.3"],
    "home.test": ["192.168.1.1"], "office.test": ["172.16.5.5"], "metadata.test": ["169.254.169.254"],
    "here.test": ["127.0.0.1"], "carrier.test": ["100.64.1.1"], "six.test": ["::1"], "unique.test": ["fd12::1"],
    "link.test": ["fe80::1"], "zero.test": ["0.0.0.0"], "mapped.test": ["::ffff:10.9.9.9"],
    "half.test": ["93.184.216.99", "10.9.9.9"], "mixed-10.test": [PUBLIC, "10.1.2.3"],
    "mixed-169.test": [PUBLIC, "169.254.169.254"], "mixed-127.test": [PUBLIC, "127.0.0.1"],
    "mixed-192.test": [PUBLIC, "192.168.1.1"], "mixed-fd.test": [PUBLIC, "fd12::1"], "mixed-six.test": [PUBLIC, "::1"],
}


class Network:
    """What stands in the network, and who was there."""
    def __init__(self, root):
        self.certificate = os.path.join(root, "certificate.pem")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate, os.path.join(root, "key.pem"))
        self.seen, self.lock = [], threading.Lock()
        for port in WATCHED:
            self._watch(socket.AF_INET, "0.0.0.0", port)
            self._watch(socket.AF_INET6, "::", port)

    def _watch(self, family, address, port):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(64)
        threading.Thread(target=self._note, args=(listener,), daemon=True).start()

    def _note(self, listener):
        while True:
            connection, _ = listener.accept()
            with self.lock:
                self.seen.append(connection.getsockname()[:2])
            connection.close()

    def taken(self, loopback_too=False):
        """The connections since the last time that went to an address which is not a public one."""
        with self.lock:
            seen, self.seen = self.seen, []
        return [place for place in seen if is_private(place[0], loopback_too)]


def is_private(text, loopback_too):
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return not address.is_global and (loopback_too or not address.is_loopback)


def enter(root):
    """Moves this process into a network of its own; None where that is not allowed, and then there is no canary."""
    if os.geteuid() != 0:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        return None
    hosts, resolver = os.path.join(root, "hosts"), os.path.join(root, "resolv.conf")
    with open(hosts, "w") as file:
        file.write("127.0.0.1 localhost\n::1 localhost\n")
        file.writelines(f"{address} {name}\n" for name, addresses in NAMES.items() for address in addresses)
    with open(resolver, "w") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    os.chmod(hosts, 0o644)
    os.chmod(resolver, 0o644)
    certify(root)
    for command in (
        "mount --make-rprivate /", f"mount --bind {hosts} /etc/hosts", f"mount --bind {resolver} /etc/resolv.conf",
        "ip link set lo up", "ip route add local 0.0.0.0/0 dev lo", "ip -6 route add local ::/0 dev lo",
    ):
        subprocess.run(command.split(), check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return Network(root)


def certify(root):
    """Makes the certificate of the hostile server, once; it speaks for itself."""
    certificate, key = os.path.join(root, "certificate.pem"), os.path.join(root, "key.pem")
    if os.path.exists(certificate):
        return
    names = ",".join([f"IP:{PUBLIC}", *(f"DNS:{name}" for name in NAMES)])
    subprocess.run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
        "3650", "-subj", "/CN=torture", "-addext", f"subjectAltName={names}", "-addext",
        "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate
    ],
                   check=True,
                   stdin=subprocess.DEVNULL,
                   capture_output=True)
    os.chmod(certificate, 0o644)
