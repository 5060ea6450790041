"""A client of the Debug Adapter Protocol that knows nothing of ours; it checks every message against the official schema."""

import importlib.util
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 60


def schema_file():
    """The official schema, which debugpy carries; None where debugpy is not installed."""
    found = importlib.util.find_spec("debugpy")
    files = sorted(Path(found.origin).parent.rglob("debugProtocol.json")) if found else []
    return files[0] if files else None


@cache
def schema():
    return json.loads(schema_file().read_text(encoding="utf-8"))


@cache
def validator(definition):
    import jsonschema

    return jsonschema.Draft4Validator({**schema(), "$ref": f"#/definitions/{definition}"})


def properties(definition):
    """The properties of a definition and of what it extends, and whether others may be there."""
    node = schema()["definitions"].get(definition, definition) if isinstance(definition, str) else definition
    if "$ref" in node:
        return properties(node["$ref"].rpartition("/")[2])
    found = dict(node.get("properties", {}))
    for part in node.get("allOf", []):
        found = {**found, **properties(part)}
    return found


def definition_of(message):
    """The name of the definition that a message must fulfil."""
    if message["type"] == "event":
        name = message["event"]
        return f"{name[0].upper()}{name[1:]}Event"
    command = message["command"]
    return f"{command[0].upper()}{command[1:]}Response" if message["success"] else "ErrorResponse"


def faults(message):
    """What is wrong with a message, by the schema; properties that it does not know are faults too."""
    name = definition_of(message)
    if name not in schema()["definitions"]:
        return [f"there is no {name}"]
    found = [f"{name}: {list(error.path)}: {error.message}" for error in validator(name).iter_errors(message)]
    return found + unknown(message, name, name)


def unknown(thing, definition, where):
    known = properties(definition)
    if isinstance(thing, list):
        node = schema()["definitions"].get(definition, definition) if isinstance(definition, str) else definition
        return [fault for each in thing for fault in unknown(each, node.get("items", {}), where)] if "items" in node else []
    if not isinstance(thing, dict) or not known:
        return []
    found = [f"{where}: there is no property {key!r}" for key in thing if key not in known]
    for key, inside in thing.items():
        found += unknown(inside, known.get(key, {}), f"{where}.{key}")
    return found


class Client:
    """Speaks to an adapter. ``request`` returns the response, ``wait`` the next event of a name."""

    def __init__(self, reader, writer, close):
        self.reader, self.writer, self.close = reader, writer, close
        self.seq = 0
        self.messages = []
        self.faults = []
        self.slowest = {}
        self.responses, self.events = {}, queue.Queue()
        self.kept = []
        self.arrived = threading.Condition()
        self.ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            length = None
            while (line := self._line()) or length is None:
                if not line:
                    self.ended.set()
                    with self.arrived:
                        self.arrived.notify_all()
                    return
                name, _, value = line.partition(b": ")
                assert name == b"Content-Length", line
                length = int(value)
            message = json.loads(self.reader.read(length))
            assert message["seq"] == len(self.messages) + 1
            self.messages.append(message)
            if schema_file():
                self.faults += faults(message)
            if message["type"] == "event":
                self.events.put(message)
            else:
                with self.arrived:
                    self.responses[message["request_seq"]] = message
                    self.arrived.notify_all()

    def _line(self):
        try:
            return self.reader.readline().strip()
        except ValueError:  # closed by us
            return b""

    def send(self, command, well_formed=True, **arguments):
        self.seq += 1
        message = {"seq": self.seq, "type": "request", "command": command, "arguments": arguments}
        if schema_file() and well_formed:
            name = f"{command[0].upper()}{command[1:]}Request"
            if name in schema()["definitions"]:
                wrong = list(validator(name).iter_errors(message))
                assert not wrong, wrong
        self.raw(json.dumps(message).encode())
        return self.seq

    def raw(self, body):
        self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.writer.flush()

    def answer(self, seq):
        with self.arrived:
            self.arrived.wait_for(lambda: seq in self.responses or self.ended.is_set(), PATIENCE)
            assert seq in self.responses, self.messages[-5:]
        return self.responses[seq]

    def ask(self, command, **arguments):
        """The whole response."""
        begun = time.perf_counter()
        response = self.answer(self.send(command, **arguments))
        took = time.perf_counter() - begun
        self.slowest[command] = max(took, self.slowest.get(command, 0.0))
        return response

    def request(self, command, **arguments):
        """The body of a response that is a success."""
        response = self.ask(command, **arguments)
        assert response["success"], response
        return response.get("body", {})

    def refused(self, command, **arguments):
        """The message of a response that is none."""
        response = self.ask(command, **arguments)
        assert not response["success"], response
        return response["message"]

    def wait(self, name):
        """The body of the next event of this name; those before it are in ``kept``."""
        while True:
            message = self.events.get(timeout=PATIENCE)
            if message["event"] == name:
                return message.get("body", {})
            self.kept.append(message)

    def output(self, category):
        """All that was printed so far."""
        events = [message for message in self.messages if message.get("event") == "output"]
        return "".join(message["body"]["output"] for message in events if message["body"].get("category") == category)

    # ---- what every session begins and ends with --------------------------------------------------------------------------

    def begin(self, program, breakpoints=(), functions=(), data=(), filters=(), options=(), **launch):
        """Launch a script with these stops."""
        capabilities = self.request(
            "initialize", adapterID="autodiff", pathFormat="path", linesStartAt1=True, columnsStartAt1=True
        )
        self.wait("initialized")
        launched = self.send("launch", program=str(program), **launch)
        answers = {}
        if breakpoints:
            source = {"path": str(program)}
            answers["lines"] = self.request("setBreakpoints", source=source, breakpoints=list(breakpoints))["breakpoints"]
        if functions:
            answers["functions"] = self.request("setFunctionBreakpoints", breakpoints=list(functions))["breakpoints"]
        if data:
            answers["data"] = self.request("setDataBreakpoints", breakpoints=list(data))["breakpoints"]
        answers["exceptions"] = self.request("setExceptionBreakpoints", filters=list(filters), filterOptions=list(options))
        self.request("configurationDone")
        assert self.answer(launched)["success"], self.answer(launched)
        return capabilities, answers

    def move(self, command, **arguments):
        """A motion, and where it has ended."""
        self.request(command, threadId=1, **arguments)
        return self.wait("stopped")

    def stack(self, **arguments):
        return self.request("stackTrace", threadId=1, **arguments)["stackFrames"]

    def scope(self, name, frame=1):
        scopes = {scope["name"]: scope for scope in self.request("scopes", frameId=frame)["scopes"]}
        return scopes[name]

    def variables(self, name, frame=1, **arguments):
        reference = self.scope(name, frame)["variablesReference"]
        return {row["name"]: row for row in self.request("variables", variablesReference=reference, **arguments)["variables"]}

    def end(self):
        """Leave; the status of the program if it has told one."""
        self.request("disconnect")
        self.close()
        exits = [message["body"]["exitCode"] for message in self.messages if message.get("event") == "exited"]
        return exits[-1] if exits else None


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def stdio(**more):
    """A client of an adapter of its own, and its process."""
    command = [sys.executable, "-m", "autodiff", "dap"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(**more))

    def close():
        process.stdin.close()
        assert process.wait(PATIENCE) in (0, 1)

    return Client(process.stdout, process.stdin, close), process


def connected(port):
    connection = socket.create_connection(("127.0.0.1", port))
    stream = connection.makefile("rwb")

    def close():
        stream.close()
        connection.close()

    return Client(stream, stream, close)
