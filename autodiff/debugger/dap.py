"""``python -m autodiff dap``: the Debug Adapter Protocol, by which editors debug; a face on ``session.py``, a method a request.

A pass stands still in the program's main thread, inside the ``backward()`` that is about to happen; there requests are
answered, so that what a person evaluates runs where the program runs. While the program runs a second thread answers them.
The stack is the way from the Value that the last event was about to the loss; below it are the program's own frames.
"""

from __future__ import annotations

import argparse
import linecache
import os
import queue
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from autodiff._support import running
from autodiff.debugger import script
from autodiff.debugger.history import History
from autodiff.debugger.protocol import Channel, Message, Outputs
from autodiff.debugger.session import (
    Arrival,
    OfMoment,
    Outcome,
    Session,
    Stop,
    breakpoint_at,
    catch_of,
    hit_count,
    real_path,
    watch_on,
)
from autodiff.debugger.users_frame import UsersFrame, users_stack
from autodiff.debugger.variables import Row, Rows, Variables, python_row
from autodiff.engine.sources import Place, Source
from autodiff.engine.value import Value
from autodiff.errors import AutodiffError, DebuggerError

THREAD = 1  # the one that a client sees
MOST_VALUES_KEPT = 1_000_000  # of the passes that one can go back to
PATIENCE = 3.0  # seconds that the program has to end when it is told to
FILTERS = [
    ("nan", "NaN", "A Value or a gradient that becomes nan", None),
    ("inf", "Infinity", "A Value or a gradient that becomes infinite", None),
    ("vanishing", "Vanishing gradient", "A contribution that falls below a limit", 1e-12),
    ("exploding", "Exploding gradient", "A gradient that grows above a limit", 1e6),
    ("raised", "Uncaught exceptions", "What the program raises and does not handle", None),
]
CAPABILITIES = {
    "supportsConfigurationDoneRequest": True,
    "supportsFunctionBreakpoints": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsEvaluateForHovers": True,
    "supportsStepBack": True,
    "supportsGotoTargetsRequest": True,
    "supportsCompletionsRequest": True,
    "supportsExceptionOptions": False,
    "supportsExceptionFilterOptions": True,
    "supportsExceptionInfoRequest": True,
    "supportTerminateDebuggee": True,
    "supportsTerminateRequest": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsLogPoints": True,
    "supportsDataBreakpoints": True,
    "supportsSteppingGranularity": True,
}


def add_to(commands: Any) -> None:
    """The command and its options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "dap",
        help="serve the Debug Adapter Protocol, for editors",
        description="Speaks the Debug Adapter Protocol over standard input and output, or over a port, where each connection "
        "is a session of its own. The launch request names the script.",
    )
    command.add_argument(
        "--port", type=int, metavar="PORT", help="listen on this port of the local host; 0 chooses one and says it"
    )
    command.set_defaults(run=lambda options: serve() if options.port is None else listen(options.port))


def serve() -> int:
    """One session over standard input and output; the exit status."""
    outputs = Outputs()
    adapter = Adapter(Channel(*outputs.own()), outputs.flush)
    outputs.tell = lambda category, text: adapter.event("output", category=category, output=text)
    threading.Thread(target=adapter.listen, daemon=True).start()
    try:
        adapter.run()
    finally:
        outputs.flush()
    return 0


def listen(port: int) -> int:
    """A session in a process of its own for each connection, one after the other or at once."""
    with socket.create_server(("127.0.0.1", port)) as server:
        print(f"autodiff: the debug adapter listens on port {server.getsockname()[1]}", flush=True)
        children: list[subprocess.Popen[bytes]] = []
        with suppress(KeyboardInterrupt):
            while True:
                connection, _ = server.accept()
                with connection:
                    command = [sys.executable, "-m", "autodiff", "dap"]
                    children.append(subprocess.Popen(command, stdin=connection.fileno(), stdout=connection.fileno()))
                children = [child for child in children if child.poll() is None]
        for child in children:
            child.terminate()
    return 0


@dataclass
class Pass:
    """One ``backward()`` that was reached: its session, and where in the program it was called."""

    session: Session
    introduction: str
    frame: UsersFrame | None
    called: Place | None  # the frame goes on, this stays


@dataclass
class Frame:
    """A row of the stack: a Value on the way to the loss, or a frame of the program."""

    name: str
    where: Place | None
    place: int | None = None
    number: int | None = None  # the event in which the next Value of the way adds to the gradient of this one
    python: UsersFrame | None = None


class Adapter:
    """The requests of one client, answered. ``run()`` is the program's thread, ``listen()`` the client's."""

    def __init__(self, channel: Channel, flush: Callable[[], None]):
        self.channel, self.flush = channel, flush
        self.client: Message = {}
        self.launched: Message | None = None
        self.leaving = self.finished = False
        self.configured, self.ready, self.gone = False, threading.Event(), threading.Event()
        self.stops: dict[str, list[Stop]] = {}  # by what set them: a file, or a kind
        self.raised_wanted = True
        self.numbers = 0
        self.verified: set[int] = set()
        self.passes: list[Pass] = []
        self.at = -1
        self.waiting: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.lock = threading.RLock()
        self.stopped = False
        self.outcome: Outcome | None = None
        self.arrival_wanted = "entry"  # why the next pass is to stop at its start; empty if it is not
        self.post: tuple[BaseException, list[UsersFrame]] | None = None
        self.reason = ""
        self.then: list[Callable[[], None]] = []  # what is to happen when the response is sent
        self.variables = Variables()
        self._forget()

    # ---- the two threads -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Wait for what is to be run, run it, and stay until the client has gone."""
        self.ready.wait()
        if self.launched is None:
            return
        status = 1
        try:
            status = self._program(self.launched)
        except (AutodiffError, OSError) as error:
            self.event("output", category="stderr", output=f"autodiff: {error}\n")
        except KeyboardInterrupt:  # the program was told to end, between two of its lines or ours
            pass
        with suppress(KeyboardInterrupt):
            self.finished = True
            self.flush()
            self.event("exited", exitCode=status)
            self.event("terminated")
            self.gone.wait()

    def _program(self, launched: Message) -> int:
        target = launched["module"] if "module" in launched else Path(launched["program"])
        environment = {name: text for name, text in launched.get("env", {}).items() if text is not None}
        os.environ.update(environment)
        for name in set(launched.get("env", {})) - set(environment):
            os.environ.pop(name, None)
        sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
        if "cwd" in launched:
            os.chdir(launched["cwd"])
        self.event("process", name=str(target), systemProcessId=os.getpid(), isLocalProcess=True, startMethod="launch")
        sys.breakpointhook = self._asked
        arguments = [str(argument) for argument in launched.get("args", [])]
        if launched.get("noDebug"):
            return running.run(target, arguments)[1]
        return script.run(target, arguments, self)

    def _asked(self, *_: Any, **__: Any) -> None:
        """What ``breakpoint()`` does, which has no terminal here: the next pass stops."""
        self.arrival_wanted = "pause"

    def listen(self) -> None:
        """Take the client's requests until it goes; then the program ends too."""
        for request in self.channel.messages(lambda text: self.say(f"autodiff: {text}")):
            with self.lock:
                if self.stopped:
                    self.waiting.put(request)
                else:
                    self.answer(request)
        if not self.leaving:
            self.deliver_end()

    def deliver_end(self) -> None:
        """The client has gone without a word."""
        with self.lock:
            if self.stopped:
                self.waiting.put({"type": "request", "command": "disconnect", "seq": 0})
            else:
                self.answer({"type": "request", "command": "disconnect", "seq": 0})

    def answer(self, request: Message) -> None:
        """Answer one request, and do what follows from it."""
        command, seq = request.get("command"), request.get("seq")
        if request.get("type") != "request" or not isinstance(command, str) or not isinstance(seq, int):
            self.say(f"autodiff: this is no request: {str(request)[:200]}")
            return
        response: Message = {"type": "response", "request_seq": seq, "command": command, "success": True}
        self.then = []
        try:
            arguments = request.get("arguments") or {}
            if not isinstance(arguments, dict):
                raise DebuggerError(f"the arguments of {command} are an object, not {type(arguments).__name__}")
            method: Callable[[Message], Message | None] | None = getattr(self, f"on_{_snake(command)}", None)
            if method is None:
                raise DebuggerError(f"{command!r} is not supported")
            body = method(arguments)
            if body is not None:
                response["body"] = body
        except (AutodiffError, OSError) as error:
            response |= _failure(str(error))
        except (TypeError, ValueError, KeyError, AttributeError, LookupError) as error:
            response |= _failure(f"{command} was not understood: {type(error).__name__}: {error}")
        self.channel.send(response)
        for follow in self.then:
            follow()

    def event(self, name: str, /, **body: Any) -> None:
        """Tell the client something that it has not asked for."""
        self.channel.send({"type": "event", "event": name, **({"body": body} if body else {})})

    # ---- the front of a debugger ---------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell something that is no stop."""
        self.event("output", category="console", output=f"{text}\n")

    def interact(self, history: History, introduction: str, frame: UsersFrame | None) -> Outcome:
        """Have the client step through a pass, if anything stops in it."""
        session = Session(history)
        session.log = self._log
        _ready(history.lines, history.by_scope, session.words.others)
        self.variables.prepare(session)
        with self.lock:
            self.passes.append(Pass(session, introduction, frame, None if frame is None else _standing(frame)))
            self.at = len(self.passes) - 1
            while len(self.passes) > 1 and sum(len(p.session.history.nodes) for p in self.passes) > MOST_VALUES_KEPT:
                del self.passes[0]
                self.at -= 1
            session.stops = self._all_stops()
            self._verify()
            why, self.arrival_wanted = self.arrival_wanted, ""
        hits = self._hits_of_pass()
        arrival = Arrival(0, hits, "start") if hits or why else session.continue_()
        if not (hits or why or arrival.hits):
            return "continue"
        return self._stand(arrival, why or "breakpoint")

    def post_mortem(self, error: BaseException, frames: list[UsersFrame]) -> None:
        """Have the client look at the frames of an exception that the program did not handle."""
        if self.raised_wanted:
            self.post = (error, frames[::-1])
            self._stand(Arrival(0), "exception")
            self.post = None

    def _stand(self, arrival: Arrival, why: str) -> Outcome:
        """Answer requests in the program's thread until one lets it go on."""
        with self.lock:
            self.stopped, self.outcome = True, None
        self._report(arrival, why)
        while self.outcome is None:
            self.answer(self.waiting.get())
        outcome = self.outcome
        with self.lock:
            self.stopped = False
            self._forget()
            while not self.waiting.empty():
                self.answer(self.waiting.get())
        return outcome

    # ---- being told what to run ----------------------------------------------------------------------------------------------

    def on_initialize(self, given: Message) -> Message:
        self.client = given
        self.then.append(lambda: self.event("initialized"))
        filters = [
            {"filter": name, "label": label, "description": text, "default": name in ("nan", "raised")}
            | {"supportsCondition": limit is not None}
            | ({} if limit is None else {"conditionDescription": f"a limit; {limit!r} if none is given"})
            for name, label, text, limit in FILTERS
        ]
        return {**CAPABILITIES, "exceptionBreakpointFilters": filters}

    def on_launch(self, given: Message) -> None:
        if self.launched is not None:
            raise DebuggerError("a program has been launched already")
        target = given.get("module") or given.get("program")
        if not isinstance(target, str) or not target:
            raise DebuggerError("launch needs a program, the path of a script, or a module")
        folder = _typed(given, "cwd", str) or ""
        for key, kind in (("args", list), ("env", dict), ("stopOnEntry", bool)):
            _typed(given, key, kind)
        if folder and not os.path.isdir(folder):
            raise DebuggerError(f"there is no folder {folder!r} to run in")
        if "module" not in given and not os.path.isfile(os.path.join(folder, target)):
            raise DebuggerError(f"there is no script {target!r} to run")
        self.launched = {key: thing for key, thing in given.items() if thing is not None}
        self.arrival_wanted = "entry" if given.get("stopOnEntry") is not False else ""
        self._begin()

    def on_attach(self, given: Message) -> None:
        raise DebuggerError('a program is launched, not attached to: write "request": "launch"')

    def on_configuration_done(self, given: Message) -> None:
        self.configured = True
        self._begin()

    def _begin(self) -> None:
        if self.configured and self.launched is not None:
            self.then.append(self.ready.set)

    def on_disconnect(self, given: Message) -> None:
        self.leaving = True
        self.then.append(partial(self._end, given.get("terminateDebuggee") is not False, True))

    def on_terminate(self, given: Message) -> None:
        self.then.append(partial(self._end, True, False))

    def _end(self, program_too: bool, gone: bool) -> None:
        """End the program, or let it go on by itself."""
        if gone:
            self.gone.set()
            if not self.ready.is_set():  # nothing was ever run
                self.launched = None
        running_now = self.ready.is_set()
        self.ready.set()
        self.arrival_wanted, self.raised_wanted = "", False
        if not program_too:
            self.stops.clear()
            self.outcome = "detach"
        elif self.stopped:
            self.outcome = "quit"
        elif running_now and not self.finished:
            _interrupt()
        if program_too and running_now and not self.finished:
            timer = threading.Timer(PATIENCE, os._exit, (1,))
            timer.daemon = True
            timer.start()

    def on_threads(self, given: Message) -> Message:
        name = "the program" if not self.passes else self.passes[self.at].introduction
        return {"threads": [{"id": THREAD, "name": name}]}

    # ---- what stops ----------------------------------------------------------------------------------------------------------

    def on_set_breakpoints(self, given: Message) -> Message:
        file = given["source"].get("path") or ""
        lines = given.get("breakpoints")
        wanted = [{"line": line} for line in given.get("lines", [])] if lines is None else lines
        made = [self._stop(one, partial(self._at_line, file, one)) for one in wanted]
        answer = self._set(real_path(file), made)
        for shown, one in zip(answer["breakpoints"], wanted, strict=True):
            shown |= {"line": one["line"], "source": _source(file)}
        return answer

    def _at_line(self, file: str, given: Message) -> Stop:
        line = given["line"] + (0 if self.client.get("linesStartAt1", True) else 1)
        stop = breakpoint_at(f"{real_path(file)}:{line}", given.get("condition") or None)
        stop.message = given.get("logMessage") or None
        return stop

    def on_set_function_breakpoints(self, given: Message) -> Message:
        def one(wanted: Message) -> Stop:
            return breakpoint_at(str(wanted["name"]), wanted.get("condition") or None)

        return self._set("function", [self._stop(wanted, partial(one, wanted)) for wanted in given["breakpoints"]])

    def on_data_breakpoint_info(self, given: Message) -> Message:
        what = str(given["name"])
        if given.get("variablesReference"):
            what = self.variables.watched(given["variablesReference"], what) or ""
        session = self._session
        if what and session is not None:
            name, quantity = session.quantity(what)
            if len(places := session.words.behind(name)) == 1:
                what = f"{session.words.name(places[0])}.{quantity}"
                return {"dataId": what, "description": what, "accessTypes": ["write"], "canPersist": True}
        return {"dataId": None, "description": f"{given['name']} is no gradient or number of one Value in this pass"}

    def on_set_data_breakpoints(self, given: Message) -> Message:
        def one(wanted: Message) -> Stop:
            return watch_on(str(wanted["dataId"]), wanted.get("condition") or None)

        return self._set("data", [self._stop(wanted, partial(one, wanted)) for wanted in given["breakpoints"]])

    def on_set_exception_breakpoints(self, given: Message) -> Message:
        options = given.get("filterOptions") or []
        wanted = [(name, None) for name in given["filters"]] + [(one["filterId"], one.get("condition")) for one in options]
        self.raised_wanted = any(name == "raised" for name, _ in wanted)
        answer = self._set("exception", [self._stop({}, partial(_catch, *one)) for one in wanted if one[0] != "raised"])
        shown = iter(answer["breakpoints"])
        return {"breakpoints": [{"verified": True} if name == "raised" else next(shown) for name, _ in wanted]}

    def _stop(self, given: Message, make: Callable[[], Stop]) -> Stop | str:
        """A stop, or what is wrong with it."""
        try:
            stop = make()
            stop.count = hit_count(given["hitCondition"]) if given.get("hitCondition") else None
        except DebuggerError as error:
            return str(error)
        self.numbers += 1
        stop.number = self.numbers
        return stop

    def _set(self, key: str, made: Sequence[Stop | str]) -> Message:
        """Have these stops instead of those that were set by the same request; those that stay keep their count of hits."""
        before = {_sense(stop): stop for stop in self.stops.get(key, [])}
        kept = [made_now if isinstance(made_now, str) else before.get(_sense(made_now), made_now) for made_now in made]
        self.stops[key] = [stop for stop in kept if isinstance(stop, Stop)]
        for one in self.passes:
            one.session.stops = self._all_stops()
        shown = [{"verified": False, "message": stop} if isinstance(stop, str) else self._shown(stop) for stop in kept]
        return {"breakpoints": shown}

    def _all_stops(self) -> list[Stop]:
        return [stop for stops in self.stops.values() for stop in stops if not _is_of_pass(stop)]

    def _shown(self, stop: Stop) -> Message:
        """A stop as the client sees it; one that no pass so far has a place for waits for one that has."""
        session = self._session
        if stop.kind == "catch" or _is_of_pass(stop) or (session is not None and session.is_here(stop)):
            self.verified.add(stop.number)
        if stop.number in self.verified:
            return {"id": stop.number, "verified": True}
        return {"id": stop.number, "verified": False, "message": f"no Value belongs to {stop.what} in the passes so far"}

    def _verify(self) -> None:
        """Tell the client which of the waiting stops have found their place in the newest pass."""
        for stop in self._all_stops():
            if stop.number not in self.verified and self._shown(stop)["verified"]:
                self.event("breakpoint", reason="changed", breakpoint={"id": stop.number, "verified": True})

    def _hits_of_pass(self) -> tuple[Stop, ...]:
        """The breakpoints on ``backward`` itself that stop at the start of this pass."""
        hits = []
        for stop in [stop for stops in self.stops.values() for stop in stops if _is_of_pass(stop)]:
            stop.hits += 1
            if stop.count is None or stop.count.value(lambda _, hits=stop.hits: float(hits)):  # type: ignore[misc]
                hits.append(stop)
        return tuple(hits)

    def _log(self, stop: Stop) -> None:
        """Say the message of a log point, with what is in braces evaluated."""
        session, passed = self._session, self.passes[self.at]
        assert session is not None

        def number(found: re.Match[str]) -> str:
            try:
                return repr(session.of_event(found[1]))
            except KeyError:
                pass
            try:
                return self._evaluated(found[1], passed.frame).value
            except DebuggerError as error:
                return f"{{{error}}}"

        self.flush()
        text = re.sub(r"\{([^{}]+)\}", number, stop.message or "")
        self.event("output", category="console", output=f"{text}\n", **_line_of(self, session))

    # ---- moving --------------------------------------------------------------------------------------------------------------

    def on_continue(self, given: Message) -> Message:
        self._will(partial(self._go, True))
        return {"allThreadsContinued": True}

    def on_reverse_continue(self, given: Message) -> None:
        self._will(partial(self._go, False))

    def on_next(self, given: Message) -> None:
        self._will(partial(self._step, Session.step if given.get("granularity") == "instruction" else Session.next, True))

    def on_step_in(self, given: Message) -> None:
        self._will(partial(self._step, Session.step, True))

    def on_step_out(self, given: Message) -> None:
        self._will(partial(self._step, Session.finish, True))

    def on_step_back(self, given: Message) -> None:
        fine = given.get("granularity") == "instruction"
        self._will(partial(self._step, Session.reverse_step if fine else Session.reverse_next, False))

    def on_pause(self, given: Message) -> None:
        if not self.stopped:
            self.arrival_wanted = "pause"

    def on_goto_targets(self, given: Message) -> Message:
        session, file, line = self._need(), given["source"].get("path") or "", given["line"]
        stop = breakpoint_at(f"{real_path(file)}:{line + (0 if self.client.get('linesStartAt1', True) else 1)}")
        positions = islice(sorted(stop.find(session.history, session.words)), 100)
        return {"targets": [{"id": p, "label": self._label(p), "line": line} for p in positions]}

    def _label(self, position: int) -> str:
        session = self._need()
        phase, happened, of = session.history.phase(position)
        return f"{phase} {happened}/{of}: {session.words.name(session.history.changed(position - 1))}"

    def on_goto(self, given: Message) -> None:
        session, position = self._need(), given["targetId"]
        if not isinstance(position, int) or not 0 <= position <= len(session.history):
            raise DebuggerError(f"there is no position {position}")
        self.then.append(lambda: self._report(session.goto(position), "goto"))

    def _will(self, motion: Callable[[], None]) -> None:
        if not self.stopped:
            raise DebuggerError("the program is running; it stops at a backward() in which something stops")
        self.then.append(motion)

    def _step(self, motion: Callable[[Session], Arrival], forwards: bool) -> None:
        """A motion inside of a pass; from its end into the next pass, from its start into the one before."""
        session = self._session
        if self.post is not None or session is None:
            self._leave("step" if forwards else None)
        elif session.position != (len(session.history) if forwards else 0):
            self._report(motion(session), "step")
        elif self._change_pass(forwards):
            assert self._session is not None
            self._report(self._session.goto(0 if forwards else len(self._session.history)), "step")
        else:
            self._leave("step" if forwards else None)

    def _go(self, forwards: bool) -> None:
        """On to what stops next, in this pass or another one; where nothing does, the program goes on."""
        stood: tuple[int, Arrival] | None = None
        while self.post is None and (session := self._session) is not None:
            arrival = session.continue_() if forwards else session.reverse_continue()
            if arrival.hits:
                self._report(arrival, "step")
                return
            if arrival.stayed and stood is None:
                stood = self.at, arrival
            if not self._change_pass(forwards):
                break
            session = self.passes[self.at].session
            session.goto(0 if forwards else len(session.history))
            hits = self._hits_of_pass() if forwards else session.hits_here()
            if hits:
                self._report(Arrival(session.position, hits), "step")
                return
        if stood is not None:
            self.at = stood[0]
            self.passes[self.at].session.goto(stood[1].position)
            self._report(stood[1], "step")
            return
        self._leave("" if forwards else None)

    def _change_pass(self, forwards: bool) -> bool:
        """Be in the next or the last of the passes that are kept; False if there is none."""
        at = self.at + (1 if forwards else -1)
        if not 0 <= at < len(self.passes):
            return False
        self.at = at
        return True

    def _leave(self, why: str | None) -> None:
        """Let the program go on, to stop at its next pass if ``why`` is not empty; with None stand where one is."""
        if why is None:
            self._report(Arrival(self._session.position if self._session else 0, end="start"), "step")
        else:
            self.arrival_wanted, self.outcome = why, "continue"
            if self.post is not None:
                self.outcome = "quit"

    def _report(self, arrival: Arrival, why: str) -> None:
        """Tell the client where one has come to stand, and why."""
        self._forget()
        self.flush()
        body: Message = {"threadId": THREAD, "allThreadsStopped": True, "reason": why}
        session = self._session
        if self.post is not None:
            body |= {"description": "Exception", "text": _in_words(self.post[0])}
        elif arrival.hits:
            body |= {"reason": self._reason(arrival.hits[0]), "hitBreakpointIds": [stop.number for stop in arrival.hits]}
            body["description"] = ", ".join(f"{stop.kind} {stop.what}" for stop in arrival.hits)
        elif arrival.stayed:
            names = ", ".join(stop.what for stop in arrival.stayed)
            body |= {"reason": "data breakpoint", "description": f"Nothing before this has changed {names}"}
            body["hitBreakpointIds"] = [stop.number for stop in arrival.stayed]
        elif session is not None and session.position == 0 and why == "step":
            body["description"] = f"The start of {self.passes[self.at].introduction}"
        if session is not None and session.position and self.post is None and body["reason"] != "step":
            body["text"] = session.words.lines(session.position - 1)[0][1]
        self.reason = body["reason"]
        self.event("stopped", **body)

    def _reason(self, stop: Stop) -> str:
        if stop in self.stops.get("function", []):
            return "function breakpoint"
        return {"breakpoint": "breakpoint", "watch": "data breakpoint", "catch": "exception"}[stop.kind]

    # ---- looking -------------------------------------------------------------------------------------------------------------

    @property
    def _session(self) -> Session | None:
        return self.passes[self.at].session if self.passes else None

    def _need(self) -> Session:
        if self._session is None or not self.stopped:
            raise DebuggerError("the program is running: nothing can be looked at until it stops")
        return self._session

    def _forget(self) -> None:
        """What was handed out for one stop is not valid at the next."""
        self.frames: list[Frame] = []
        self.more = self._rows()
        self.variables.forget()

    def _rows(self) -> Iterator[Frame]:
        """The rows of the stack, made as they are asked for."""
        if self.post is not None:
            yield from (Frame(frame.frame.f_code.co_name, _standing(frame), python=frame) for frame in self.post[1])
            return
        session = self._session
        if session is None:
            return
        event, words = session.event, session.words
        if event is not None:
            for row, (place, number) in enumerate(session.way()):
                source = event.source if row == 0 else session.history.nodes[place].source
                name = words.title(place)
                if row == 0 and event.phase == "forward":
                    number = None  # what it adds to is still to come
                elif row == 0 and event.phase == "backward":
                    name = f"{words.name(place)}.grad {words.number(event.before)} → {words.number(event.after)}"
                yield Frame(name, source.place if source else None, place, number)
        passed = self.passes[self.at]
        if passed.frame is None:
            return
        if self.at < len(self.passes) - 1:  # the frame has gone on since
            yield Frame(passed.introduction, passed.called)
            return
        for frame in users_stack(passed.frame.frame):
            yield Frame(frame.frame.f_code.co_name, _standing(frame), python=frame)

    def _frames(self, end: int | None) -> list[Frame]:
        wanted = None if end is None else max(end - len(self.frames), 0)
        self.frames += islice(self.more, wanted)
        return self.frames

    def on_stack_trace(self, given: Message) -> Message:
        if not self.stopped:
            raise DebuggerError("the program is running: there is no stack until it stops")
        start, levels = given.get("startFrame") or 0, given.get("levels") or 0
        end = start + levels if levels else start + MOST_ROWS
        shown = self._frames(end + 1)
        rows = [self._frame(number, shown[number]) for number in range(start, min(end, len(shown)))]
        return {"stackFrames": rows, "totalFrames": len(shown)}

    def _frame(self, number: int, frame: Frame) -> Message:
        shown: Message = {"id": number + 1, "name": frame.name, "line": 0, "column": 0}
        if frame.where is None:
            return {**shown, "presentationHint": "subtle"}
        return (
            shown | self._columns(frame.where) | ({} if (source := _source(frame.where.file)) is None else {"source": source})
        )

    def _columns(self, where: Place) -> Message:
        """Lines and columns as the client counts them: from 1 or from 0, in units of UTF-16."""
        line = 1 if self.client.get("linesStartAt1", True) else 0
        column = 1 if self.client.get("columnsStartAt1", True) else 0
        shown = {"line": where.line - 1 + line, "column": _units(where.file, where.line, where.column) + column}
        if where.end_column:
            end = _units(where.file, where.end_line, where.end_column) + column
            shown |= {"endLine": where.end_line - 1 + line, "endColumn": end}
        return shown

    def on_scopes(self, given: Message) -> Message:
        frame = self._frame_of(given["frameId"])
        scopes: list[Message] = []
        if frame.python is not None:
            names = dict(frame.python.frame.f_locals)
            scopes.append(self._scope("Locals", self.variables.of_python(names), hint="locals"))
        if self.post is None and self._session is not None and self.stopped:
            if frame.place is not None:
                scopes.append(self._scope("This edge", self.variables.edge(self._session, frame.place, frame.number)))
            scopes += [
                self._scope("Gradients", self.variables.values(self._session, "grad"), expensive=True),
                self._scope("Data", self.variables.values(self._session, "data"), expensive=True),
                self._scope("Parameters", self.variables.parameters(self._session)),
            ]
        return {"scopes": scopes}

    def _scope(self, name: str, rows: Rows, hint: str | None = None, expensive: bool = False) -> Message:
        shown = {"name": name, "variablesReference": self.variables.reference(rows), "expensive": expensive}
        if rows.indexed:
            shown["indexedVariables"] = rows.total
        return shown | ({} if hint is None else {"presentationHint": hint})

    def _frame_of(self, number: Any) -> Frame:
        if not self.stopped:
            raise DebuggerError("the program is running: there is no stack until it stops")
        if not isinstance(number, int) or not 0 < number <= len(self._frames(number)):
            raise DebuggerError(f"there is no frame {number} at this stop")
        return self.frames[number - 1]

    def on_variables(self, given: Message) -> Message:
        start, count = given.get("start") or 0, given.get("count") or 0
        rows = self.variables.rows(given["variablesReference"], start, count, given.get("filter"))
        return {"variables": [self._variable(row) for row in rows]}

    def _variable(self, row: Row) -> Message:
        reference = self.variables.reference(row.inside) if row.inside is not None else 0
        shown: Message = {"name": row.name, "value": row.value, "variablesReference": reference}
        if row.inside is not None and row.inside.indexed:
            shown["indexedVariables"] = row.inside.total
        return shown | ({"type": row.type} if row.type else {}) | ({"evaluateName": row.evaluate} if row.evaluate else {})

    def on_evaluate(self, given: Message) -> Message:
        text = given["expression"]
        if not isinstance(text, str):
            raise DebuggerError("evaluate takes an expression, a string")
        if not self.stopped:
            raise DebuggerError("the program is running: nothing can be evaluated until it stops")
        frame = self._python_frame(given.get("frameId"))
        if given.get("context") == "repl" and frame is not None and (text.startswith("!") or _is_statement(text)):
            frame.execute(text.removeprefix("!"))
            self.flush()
            return {"result": "", "variablesReference": 0}
        shown = self._variable(self._evaluated(text, frame))
        shown["result"] = shown.pop("value")
        return {key: shown[key] for key in ("result", "type", "variablesReference", "indexedVariables") if key in shown}

    def _python_frame(self, number: Any) -> UsersFrame | None:
        """The program's frame that an expression belongs to: that which was chosen, else the innermost."""
        frame = None if number is None else self._frame_of(number).python
        if frame is not None:
            return frame
        if self.post is not None:
            return self.post[1][0]
        return self.passes[self.at].frame if self.passes and self.at == len(self.passes) - 1 else None

    def _evaluated(self, text: str, frame: UsersFrame | None) -> Row:
        """A Value's name, and arithmetic over such, mean this moment; anything else is the program's."""
        session = None if self.post is not None else self._session
        if session is not None:
            if len(places := session.words.behind(text.strip())) == 1:
                return self.variables.value(session, places[0])
            return self._looked_up(session, text, frame)
        if frame is None:
            raise DebuggerError("nothing is there to be evaluated in")
        return python_row(text, frame.evaluate(text))

    def _looked_up(self, session: Session, text: str, frame: UsersFrame | None) -> Row:
        thing = session.look(text, frame)
        if isinstance(thing, Value) and (place := session.place(thing)) is not None:
            return self.variables.value(session, place)
        return python_row(text, float(thing) if isinstance(thing, OfMoment) else thing)

    def on_exception_info(self, given: Message) -> Message:
        if self.post is not None:
            error = self.post[0]
            return {"exceptionId": type(error).__name__, "description": str(error), "breakMode": "unhandled"}
        session = self._need()
        caught = [stop for stop in self.stops.get("exception", []) if session.is_at(stop)]
        if not caught:
            raise DebuggerError("this stop is not about what is caught")
        text = "\n".join(f"{label:<6} {line}" for label, line in session.words.lines(session.position - 1))
        return {"exceptionId": caught[0].what, "description": text, "breakMode": "always"}

    def on_completions(self, given: Message) -> Message:
        word = re.split(r"[^\w.@]", str(given["text"])[: max(given["column"] - 1, 0)])[-1]
        found = [*islice(self._need().words.known(word), 100)]
        return {"targets": [{"label": name, "length": len(word), "start": given["column"] - 1 - len(word)} for name in found]}

    def on_loaded_sources(self, given: Message) -> Message:
        return {"sources": []}


MOST_ROWS = 1000  # of the stack, where a client names no number


def _ready(*found: object) -> None:
    """Have things found out now, so that no answer has to wait for them."""


def _failure(text: str) -> Message:
    """What a response says that has failed; braces would stand for variables."""
    shown = text.replace("{", "(").replace("}", ")")
    return {"success": False, "message": text, "body": {"error": {"id": 1, "format": shown, "showUser": True}}}


def _catch(name: str, condition: str | None) -> Stop:
    limit = next((limit for known, _, _, limit in FILTERS if known == name), None)
    if condition and limit is not None:
        try:
            limit = float(condition)
        except ValueError:
            raise DebuggerError(f"the limit of {name} is a number, not {condition!r}") from None
    return catch_of(name, limit)


def _is_of_pass(stop: Stop) -> bool:
    """Whether a breakpoint is on ``backward`` itself, the start of each pass."""
    return stop.kind == "breakpoint" and stop.what.removesuffix("()") == "backward"


def _sense(stop: Stop) -> tuple[Any, ...]:
    """What makes two stops the same one, set again."""
    return stop.kind, stop.what, str(stop.condition), str(stop.count), stop.message


def _typed(given: Message, key: str, kind: type) -> Any:
    thing = given.get(key)
    if thing is not None and not isinstance(thing, kind):
        raise DebuggerError(f"{key} in launch is a {kind.__name__}, not {thing!r}")
    return thing


def _snake(command: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", command)


def _is_statement(text: str) -> bool:
    try:
        compile(text.strip(), "<autodiff>", "eval")
    except (SyntaxError, ValueError):
        with suppress(SyntaxError, ValueError):
            compile(text, "<autodiff>", "single")
            return True
    return False


def _source(file: str) -> Message | None:
    return {"name": os.path.basename(file), "path": os.path.abspath(file)} if os.path.isfile(file) else None


def _standing(frame: UsersFrame) -> Place:
    """Where in the source a frame stands, with columns if it stands where it has stopped."""
    if frame.line == frame.frame.f_lineno and frame.frame.f_lasti >= 0:
        return Source(frame.frame.f_code, frame.frame.f_lasti).place
    return Place(frame.frame.f_code.co_filename, frame.line, 0, frame.line, 0)


def _line_of(adapter: Adapter, session: Session) -> Message:
    """The source and line of the event that has just happened, as an output event has them."""
    source = None if session.event is None else session.event.source
    if source is None or (shown := _source(source.file)) is None:
        return {}
    where = adapter._columns(source.place)
    return {"source": shown, "line": where["line"], "column": where["column"]}


def _units(file: str, line: int, column: int) -> int:
    """A column in bytes of UTF-8, from 0, in units of UTF-16."""
    before = linecache.getline(file, line).encode()[:column]
    return len(before.decode(errors="replace").encode("utf-16-le")) // 2


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _interrupt() -> None:
    """Have the main thread raise KeyboardInterrupt, even out of a sleep."""
    import _thread
    import signal

    thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and thread is not None:
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        _thread.interrupt_main()
