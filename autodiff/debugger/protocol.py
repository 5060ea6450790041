"""The ground that the Debug Adapter Protocol stands on: messages over two streams, and the program's own output beside them."""

from __future__ import annotations

import codecs
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO

MOST_BYTES = 64_000_000  # of a message; more is a broken header
MOST_READ = 65_536
WAIT_FOR_OUTPUT = 2.0  # seconds, after which what is still in a pipe comes when it comes
MARK = b"\x00autodiff: told up to here\x00"  # goes through a pipe behind what was printed

Message = dict[str, Any]


class Channel:
    """Sends and receives messages: JSON, each behind a header that says how many bytes it has. Any thread may send."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO):
        self.reader, self.writer = reader, writer
        self.lock = threading.Lock()
        self.sent = 0

    def send(self, message: Message) -> None:
        """Send a message with the next ``seq``. Nothing happens where nobody listens any more."""
        with self.lock:
            self.sent += 1
            body = json.dumps({"seq": self.sent, **message}, allow_nan=False).encode("ascii")
            try:
                self.writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                self.writer.flush()
            except (OSError, ValueError):  # ValueError: the stream is closed
                pass

    def messages(self, complain: Callable[[str], None]) -> Iterator[Message]:
        """What arrives, up to the end of the stream. What is no message is complained about and passed over."""
        while (length := self._header()) is not None:
            if not 0 < length <= MOST_BYTES:
                complain("a header came without a usable Content-Length; it was passed over")
                continue
            body = self.reader.read(length)
            if len(body) < length:
                return
            try:
                message = json.loads(body)
            except (ValueError, RecursionError) as error:  # UnicodeDecodeError is one
                complain(f"a message is no JSON: {error}")
                continue
            if isinstance(message, dict):
                yield message
            else:
                complain(f"a message is a JSON object, not {type(message).__name__}")

    def _header(self) -> int | None:
        """The length that the next header announces, −1 if it announces none; None at the end of the stream."""
        length, anything = -1, False
        while line := self.reader.readline(MOST_READ):
            field, _, value = line.partition(b":")
            if field.strip().lower() == b"content-length" and value.strip().isdigit() and len(value) < 20:
                length = int(value)
            elif not line.strip():
                if anything:
                    return length
                continue  # an empty line between messages
            anything = True
        return None


class Outputs:
    """Takes the standard descriptors away from the protocol: what the program prints is told, and it reads an empty input.

    ``own()`` is to be called first; it gives the two streams of the protocol, under descriptors of their own. What goes into
    descriptors 1 and 2 afterwards, from Python, a library or a child process, is handed to ``tell``.
    """

    def __init__(self) -> None:
        self.tell: Callable[[str, str], None] = lambda category, text: None
        self.pipes: list[tuple[int, threading.Event]] = []
        self.lock = threading.Lock()

    def own(self) -> tuple[BinaryIO, BinaryIO]:
        """The protocol's streams; from here on the standard ones are the program's alone."""
        reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        for descriptor, category in ((1, "stdout"), (2, "stderr")):
            out, into = os.pipe()
            os.dup2(into, descriptor)  # inheritable, for child processes
            stream = open(descriptor, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, category, stream)
            setattr(sys, f"__{category}__", stream)
            seen = threading.Event()
            self.pipes.append((into, seen))
            threading.Thread(target=self._pass_on, args=(out, category, seen), daemon=True).start()
        return reader, writer

    def flush(self) -> None:
        """Have all that was printed so far told before anything else is said."""
        with self.lock:
            for stream in (sys.stdout, sys.stderr):
                _flush(stream)
            for into, seen in self.pipes:
                seen.clear()
                os.write(into, MARK)
            for _, seen in self.pipes:
                seen.wait(WAIT_FOR_OUTPUT)

    def _pass_on(self, out: int, category: str, seen: threading.Event) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        kept = b""
        while got := os.read(out, MOST_READ):
            *whole, rest = (kept + got).split(MARK)
            cut = next((n for n in range(min(len(MARK) - 1, len(rest)), 0, -1) if rest.endswith(MARK[:n])), 0)
            kept = rest[len(rest) - cut :]
            for piece in [*whole, rest[: len(rest) - cut]]:
                if text := decoder.decode(piece):
                    self.tell(category, text)
            if whole:
                seen.set()


def _flush(stream: IO[str] | None) -> None:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):  # closed by the program
        pass
