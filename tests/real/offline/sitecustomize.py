"""Keeps a Python program from every other machine: only names of this one are found."""

import socket

_find = socket.getaddrinfo


def _find_here(host, *args, **kwargs):
    if host not in ("127.0.0.1", "::1", "localhost", None):
        raise socket.gaierror(socket.EAI_NONAME, "kept from other machines")
    return _find(host, *args, **kwargs)


socket.getaddrinfo = _find_here
