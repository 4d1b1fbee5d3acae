#!/usr/bin/env -S python3 -SE
"""Plays `vault` and `kubectl` for the store helpers in contrib/stores: as much of them as these use, with the words that the
real ones answer. Started under the name of either; the state is in the file that FAKE_ENGINE names."""
import base64
import fcntl
import json
import os
import sys

name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
path = os.environ["FAKE_ENGINE"]
lock = open(path + ".lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
state = json.load(open(path)) if os.path.exists(path) else {"count": 0, "values": {}}
values = state["values"]


def fail(status, text):
    print(text, file=sys.stderr)
    sys.exit(status)


def save():
    with open(path + ".new", "w") as file:
        json.dump(state, file)
    os.replace(path + ".new", path)


def vault():
    """HashiCorp Vault 1.x, KV version 2."""
    assert words[0] == "kv" and "-mount=secret" in words and "-format=json" in words, words
    plain = [word for word in words[2:] if not word.startswith("-")]
    key = plain[0]
    if words[1] == "get":
        if key not in values:
            fail(2, f"No value found at secret/data/{key}")
        value, version = values[key]
        metadata = {"custom_metadata": None, "deletion_time": "", "destroyed": False, "version": version}
        print(json.dumps({"data": {"data": {"value": value}, "metadata": metadata}, "warnings": None}, indent=2))
    elif words[1] == "put":
        [cas] = [word[5:] for word in words if word.startswith("-cas=")]
        assert plain[1:] == ["value=-"], words
        version = values.get(key, (None, 0))[1]
        if int(cas) != version:
            fail(2, "Error writing data: Code: 400. Errors:\n\n* check-and-set parameter did not match the current version")
        values[key] = (sys.stdin.read(), version + 1)
        save()
        print("{}")
    else:
        assert words[1] == "list", words
        names = [name[len(key) + 1 :] for name in values if name.startswith(key + "/")]
        print(json.dumps(names, indent=2) if names else "{}")
        sys.exit(0 if names else 2)


def kubectl():
    """kubectl 1.20 and later."""
    assert words[0].startswith("--namespace=") and words[1].startswith("--request-timeout="), words
    verb, rest = words[2], words[3:]
    if verb == "get" and rest[0] == "secret":
        if rest[1] in values:
            value, version = values[rest[1]]
            print(f"{version} {value}", end="")
    elif verb == "get":
        assert rest[:2] == ["secrets", "-l"], words
        print("".join(f"{name}\n" for name in values), end="")
    elif verb == "delete":
        assert rest[0] == "--raw" and rest[2:] == ["-f", "-"], words
        secret, options = rest[1].split("/")[-1], json.load(sys.stdin)
        if secret not in values:
            fail(1, f'Error from server (NotFound): secrets "{secret}" not found')
        if str(values[secret][1]) != options["preconditions"]["resourceVersion"]:
            fail(1, "Error from server (Conflict): Operation cannot be fulfilled on secrets: the ResourceVersion in the precondition does not match")
        del values[secret]
        save()
    else:
        assert verb in ("create", "replace") and rest == ["-f", "-"], words
        secret = json.load(sys.stdin)
        metadata, value = secret["metadata"], secret["data"]["value"]
        base64.b64decode(value, validate=True)
        there = values.get(metadata["name"])
        if verb == "create" and there:
            fail(1, f'Error from server (AlreadyExists): secrets "{metadata["name"]}" already exists')
        if verb == "replace" and not there:
            fail(1, f'Error from server (NotFound): secrets "{metadata["name"]}" not found')
        if verb == "replace" and str(there[1]) != metadata["resourceVersion"]:
            fail(1, "Error from server (Conflict): the object has been modified; please apply your changes to the latest version")
        state["count"] += 1
        values[metadata["name"]] = (value, state["count"])
        save()


{"vault": vault, "bao": vault, "kubectl": kubectl}[name]()
