"""The terminal: commands that move a session, and what is printed at each stop. The names are those of pdb and gdb."""

from __future__ import annotations

import fnmatch
import io
import itertools
import linecache
import math
import sys
import textwrap
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType
from typing import IO, Any

from autodiff._support import files
from autodiff._support.frames import place_of
from autodiff._support.order import by_number
from autodiff._support.streams import is_open
from autodiff.debugger.history import History
from autodiff.debugger.passes import Passes
from autodiff.debugger.pdb_commands import PdbCommands
from autodiff.debugger.screen import Screen, line_history
from autodiff.debugger.session import Arrival, NotYet, OfMoment, Outcome, Session, Stop
from autodiff.debugger.users_frame import UsersFrame
from autodiff.drawing import draw
from autodiff.engine.value import Value
from autodiff.errors import AutodiffError, DebuggerError, GraphTooLarge
from autodiff.explain import blame, explain
from autodiff.graph.names import printable
from autodiff.graph.scopes import scope_holds
from autodiff.graph.symbols import exact_text

ALIASES = {
    "s": "step", "n": "next", "c": "continue", "cont": "continue", "fin": "finish", "u": "until", "unt": "until", "g": "goto",
    "rs": "reverse-step", "rn": "reverse-next", "rc": "reverse-continue", "run": "restart",
    "b": "break", "tb": "tbreak", "cl": "clear", "delete": "clear", "i": "info",
    "w": "where", "bt": "where", "l": "list", "ll": "longlist", "a": "args", "!": "exec",
    "h": "help", "?": "help", "q": "quit", "exit": "quit",
}  # fmt: skip
GROUPS = {
    "moving": "step next reverse-step reverse-next finish continue reverse-continue until goto phase restart",
    "stopping": "break tbreak condition ignore disable enable clear catch watch",
    "looking": "print pp display undisplay where up down list why explain blame graph info",
    "Python": "exec interact args longlist",
    "the rest": "commands alias unalias save load set detach quit help",
}
MOST_ROWS = 40
AROUND = 5


class Given(str):
    """A command that was not typed at the prompt."""


class Terminal(PdbCommands):
    """Reads commands and prints what there is to see; all that is known is in ``session``.

    ``interact(history)`` returns how it ended: the program is to go on, to go on without another stop, or to end.
    """

    def __init__(self, commands: Iterable[str] = (), stdin: IO[str] | None = None, stdout: IO[str] | None = None):
        super().__init__(stdin=stdin, stdout=stdout)
        # in a terminal; or in a notebook, which has an input() of its own
        asks = is_open(sys.stdin) and (sys.stdin.isatty() or not isinstance(input, BuiltinFunctionType))
        self.use_rawinput = stdin is None and asks
        self.cmdqueue = [*map(Given, commands)]
        self.session: Session | None = None
        self.passes = Passes()
        self.alone = True  # a loss by itself, which no other backward() comes after
        self.running = False  # the program runs on from backward() to backward() until something stops
        self.outcome: Outcome = "continue"
        self.selected = 0
        self.screen = Screen(self.stdout)

    # ---- the loop -------------------------------------------------------------------------------------------------------

    def _take_what_is_open(self) -> None:
        """A program may have been started without input or output, or have closed them: then nothing comes, nobody reads."""
        if not is_open(sys.stdin if self.use_rawinput else self.stdin):
            self.use_rawinput, self.stdin = False, io.StringIO()
        if not is_open(self.stdout):
            self.stdout = self.screen.stream = io.StringIO()

    def interact(self, history: History, introduction: str = "", frame: UsersFrame | None = None) -> Outcome:
        """Step through a history until the person lets the program go on; ``frame`` is where that stands.

        ``introduction`` says which of the program's passes it is; there is none for a loss by itself.
        """
        self.frame, self.alone = frame, not introduction
        self.passes.add(history)
        if self.session is None:
            self.session = Session(history)
        else:
            self.session.load(history)
        self._take_what_is_open()
        arrival = Arrival(0, end="start")
        if self.running:
            arrival = self.session.run_through()
            if not arrival.hits:
                return "continue"
            self.running = False
        self.screen.tell(introduction or f"{len(history.nodes):,} Values, {len(history):,} events")
        self.show(arrival)
        return self.loop()

    def loop(self) -> Outcome:
        """Read and run commands until one of them lets the program go on or end."""
        self.outcome = "quit"
        self._take_what_is_open()
        with line_history(self.use_rawinput):
            while True:
                try:
                    self.cmdloop()
                    self.passes.leave()
                    return self.outcome
                except KeyboardInterrupt:
                    self.screen.tell("")
                    self.cmdqueue.clear()
                except ValueError:
                    if not self.stdin.closed:  # as exit() leaves it
                        raise
                    return "quit"

    def say(self, text: str) -> None:
        """Tell something that is no stop."""
        self.screen.say(text)

    def post_mortem(self, error: BaseException, frames: list[UsersFrame]) -> None:
        """Look at what an exception has left: its frames, and the last history, or that of the last loss in them."""
        self.trace, self.frame = frames, frames[-1]
        if self.session is None and (loss := _last_loss(frames)) is not None:
            with suppress(GraphTooLarge):
                self.session = Session(History(loss))
                self.session.goto(len(self.session.history))
        self.screen.tell(f"{type(error).__name__}: {error}".removesuffix(": "), colour="red")
        self.screen.tell("the frames are those of the exception: up, down, p, !, ll; q leaves")
        self.show_frame()
        self.loop()
        self.trace = []

    @property
    def stepped(self) -> Session:
        """The session that is stepped through, which is there as soon as there is a history."""
        if self.session is None:
            raise DebuggerError("nothing was recorded that could be stepped through")
        return self.session

    def precmd(self, line: str) -> str:
        """Show a line that nobody has typed here; ``;;`` separates commands."""
        given = isinstance(line, Given)
        if self.collecting is None:
            line = self.expanded(line)
        first, separator, rest = line.partition(";;") if line.split()[:1] != ["alias"] else (line, "", "")
        if separator:
            self.cmdqueue.insert(0, Given(rest.strip()))
        if given:
            self.screen.say(f"{self.prompt}{first.strip()}")
        elif not self.use_rawinput and first != "EOF":
            self.screen.say(first.strip())
        return first.strip()

    def parseline(self, line: str) -> tuple[str | None, str | None, str]:
        """Abbreviations, and names with a hyphen."""
        word, _, rest = line.strip().partition(" ")
        if word.startswith("!"):
            return "exec", line.strip()[1:].strip(), line
        if not word or word.startswith("#"):
            return None, None, "" if not word else line
        if word == "EOF":
            return "EOF", "", line
        if word.startswith("?") and len(word) > 1:
            word, rest = "?", f"{word[1:]} {rest}"
        return full_name(word).replace("-", "_"), rest.strip(), line

    def onecmd(self, line: str) -> bool:
        """Run a line; what is wrong with it is printed, and changes nothing."""
        try:
            if self.collecting is not None:
                self.collected(line, line.split()[:1] != [] and full_name(line.split()[0]) in GROUPS["moving"].split())
                return False
            name, argument, line = self.parseline(line)
            if not line:
                return self.emptyline()
            if name is None:
                return False
            self.lastcmd = "" if line == "EOF" else line
            method: Callable[[str], bool | None] | None = getattr(self, f"do_{name}", None)
            if method is None:
                raise DebuggerError(f"there is no command {line.split()[0]!r}; help lists them")
            return bool(method(argument or ""))
        except (AutodiffError, OSError) as error:
            self.screen.tell(f"*** {error}", colour="red")
            return False

    def emptyline(self) -> bool:
        """Repeat the last command."""
        return self.onecmd(self.lastcmd) if self.lastcmd else False

    def completenames(self, text: str, *ignored: Any) -> list[str]:
        """The commands that begin so."""
        return [f"{name} " for name in command_names() if name.startswith(text)]

    def completedefault(self, text: str, line: str, begidx: int, endidx: int) -> list[str]:
        """The names, operations and scopes that begin so; readline breaks words at spaces alone."""
        if self.session is None:
            return []
        session = self.stepped
        words = [*session.words.known(), *{f"op:{node.op}" for node in session.history.nodes if node.op}]
        words += {f"scope:{scope}" for scope in session.history.scopes if scope}
        return sorted({word for word in words if word.startswith(text)}, key=by_number)

    # ---- printing -------------------------------------------------------------------------------------------------------

    def show(self, arrival: Arrival | None = None) -> None:
        """Where one is, and why."""
        session = self.stepped
        self.selected = 0
        queued = [command for stop in (arrival.hits if arrival else ()) for command in stop.commands]
        self.cmdqueue[:0] = [Given(command) for command in queued if command != "silent"]
        if "silent" in queued:
            return
        for stop in arrival.hits if arrival else ():
            self.screen.tell(f"{stop.kind} {stop.number}: {printable(stop.what)}", colour="yellow")
        self.show_event()
        for stop in session.stops:
            if stop.kind == "watch" and session.position:
                self.screen.labelled("watch", f"{printable(stop.what)} = {self.quantity(stop.what)}")
        for text in session.displays:
            self.screen.labelled("show", f"{printable(text)} = {self.value_or_error(text)}")
        if arrival and arrival.stayed:
            names = ", ".join(printable(stop.what) for stop in arrival.stayed)
            self.screen.tell(f"nothing before this has changed {names}: the change is the event one stands on")
        elif arrival and arrival.end == "end":
            on = "lets the program go on" if self.passes.at == self.passes.last else f"goes on to run {self.passes.at + 1}"
            self.screen.tell(f"the end of the backward pass: c {on}, rs and rc go back")
        elif arrival and arrival.end == "start":
            self.tell_changes(arrival.hits)
            self.screen.tell("the start: nothing has happened yet")

    def tell_changes(self, hits: Iterable[Stop]) -> None:
        """What was changed between the pass before and this one, of that which is watched."""
        session = self.stepped
        earlier, words = session.history.earlier or {}, session.words
        for stop in hits:
            place = words.find_one(session.quantity(stop.what)[0])
            before, after = earlier[session.history.nodes[place].name], session.history.datum(place)
            change = f"{printable(stop.what)} {words.number(before)} → {words.number(after)}"
            self.screen.labelled("step", f"{change}, by the optimiser's step after run {self.passes.at - 1}")

    def show_event(self) -> None:
        """The event that has just happened: where, the user's line, the arithmetic, the rule."""
        session = self.stepped
        event = session.event
        phase, happened, of = session.history.phase(session.position)
        source = None if event is None else event.source
        scope = "" if event is None else session.history.scopes[session.history.acting(session.position - 1)]
        where = [f"{phase} {happened}/{of}"]
        where += [f"scope {printable(scope)}"] if scope else []
        where += [place_of(source.file, source.line, brief=True)] if source is not None else []
        where = [f"run {self.passes.at}", *where] if self.passes.last > 0 else where
        self.screen.tell("   ".join(where), bold=True)
        if event is None:
            return
        self.screen.source_line(source)
        for label, text in session.words.lines(session.position - 1):
            self.screen.labelled(label, text)

    def quantity(self, text: str) -> str:
        """``w1.grad`` at this position."""
        name, quantity = self.stepped.quantity(text)
        try:
            number = self.stepped.number_of(self.stepped.words.find_one(name), quantity)
        except DebuggerError:
            return "not in this graph"
        return "not known yet" if number is None else self.stepped.words.number(number)

    def value_or_error(self, text: str) -> str:
        try:
            thing = self.stepped.look(text, self.frame)
            if isinstance(thing, OfMoment):
                return self.stepped.words.number(thing)
            place = self.stepped.place(thing) if isinstance(thing, Value) else None
            return self.python_text(thing) if place is None else self.numbers_of(place)
        except DebuggerError as error:
            return str(error)

    # ---- moving ---------------------------------------------------------------------------------------------------------

    def do_step(self, argument: str) -> None:
        """step [COUNT]: let one event happen, or COUNT"""
        self.show(self.stepped.step(count_in(argument)))

    def do_reverse_step(self, argument: str) -> None:
        """reverse-step [COUNT]: take one event back, or COUNT"""
        self.show(self.stepped.reverse_step(count_in(argument)))

    def do_next(self, argument: str) -> None:
        """next [COUNT]: let one Value be computed, or pass its gradient on to all its operands"""
        self.repeat(self.stepped.next, argument, over_stops=False)

    def do_reverse_next(self, argument: str) -> None:
        """reverse-next [COUNT]: take back what one Value did"""
        self.repeat(self.stepped.reverse_next, argument, over_stops=False)

    def repeat(self, motion: Callable[[], Arrival], argument: str, over_stops: bool = True) -> Arrival:
        """Move several times, up to an end; up to what stops, but for the motions that go from stop to stop."""
        for _ in range(count_in(argument)):
            arrival = motion()
            if arrival.end or arrival.stayed or (arrival.hits and not over_stops):
                break
        self.show(arrival)
        return arrival

    def do_finish(self, argument: str) -> None:
        """finish: go on to the end of this scope, in this phase"""
        self.show(self.stepped.finish())

    def do_continue(self, argument: str) -> bool:
        """continue [COUNT]: go on to the next stop, or past as many, in this pass or in one of the backward() calls after it;
        where nothing is set that could stop, to the end of the pass, and from there let the program go on"""
        if self.trace:
            self.outcome = "continue"
            return True
        for _ in range(count_in(argument)):
            arrival = self.ahead()
            if arrival is None or not arrival.hits or (self.alone and arrival.end):
                break
        if arrival is None:
            self.outcome, self.running = "continue", self.stepped.can_stop()
            return True
        self.show(arrival)
        return False

    def ahead(self) -> Arrival | None:
        """Go on to what stops next; None where it is the program that has to go on."""
        session = self.stepped
        crossing = session.can_stop() and not self.alone
        if session.position < len(session.history):
            arrival = session.continue_()
            if arrival.hits or not crossing:
                return arrival
        while self.passes.at < self.passes.last:
            self.visit(self.passes.at + 1)
            arrival = session.run_through() if crossing else Arrival(0, end="start")
            if arrival.hits or not crossing:
                return arrival
        return None

    def do_reverse_continue(self, argument: str) -> None:
        """reverse-continue [COUNT]: go back to the last stop, or past as many, in this pass or in those before it; where
        nothing stops, to the start"""
        begin = self.passes.at, self.stepped.position
        for _ in range(count_in(argument)):
            arrival = self.behind()
            if not arrival.hits:
                break
        self.show(arrival)
        moved = begin != (self.passes.at, self.stepped.position)
        if moved and arrival.end == "start" and not (arrival.hits or arrival.stayed):
            self.screen.tell("nothing stops on the way back")

    def behind(self) -> Arrival:
        """Go back to what stopped last."""
        session, crossing, begin = self.stepped, self.stepped.can_stop(), self.passes.at
        here = session.position
        stayed = session.changes_here()
        arrival = session.reverse_continue() if here else Arrival(0, end="start")
        if arrival.hits or not (crossing or not here):
            return arrival
        while self.passes.at > self.passes.first:
            self.visit(self.passes.at - 1)
            session.goto(len(session.history))
            arrival = session.arrived() if crossing else Arrival(session.position, end="end")
            arrival = arrival if arrival.hits or not crossing else session.reverse_continue()
            if arrival.hits or not crossing:
                return arrival
        if stayed and self.passes.at != begin:
            self.visit(begin)
        if stayed:
            session.goto(here)
            return Arrival(here, stayed=stayed)
        return arrival

    def visit(self, number: int) -> None:
        """Be at the start of another pass."""
        self.stepped.load(self.passes.visit(number))

    def do_until(self, argument: str) -> None:
        """until [PLACE]: go on to the next event at a place (see break); without one, to the end of the line of source"""
        self.show(self.stepped.until(argument or None))

    def do_goto(self, argument: str) -> None:
        """goto [forward|backward] POSITION: be where that many events have happened, of all or of that phase
        goto run STEP: be at the start of that step of the training, or of that backward() call, counted from 0"""
        phase, _, rest = argument.partition(" ")
        if phase == "run":
            self.visit(count_from_zero(rest, "goto run takes the number of a step"))
            self.show(Arrival(0, end="start"))
            return
        history = self.stepped.history
        if phase not in ("forward", "backward"):
            self.show(self.stepped.goto(count_from_zero(argument, "goto takes a position")))
            return
        happened = count_from_zero(rest, f"goto {phase} takes a position")
        begin, of = (0, history.forward) if phase == "forward" else (history.forward, len(history) - history.forward)
        if happened > of:
            raise DebuggerError(f"there is no position {phase} {happened}; there are 0 … {of}")
        self.show(self.stepped.goto(begin + happened))

    def do_phase(self, argument: str) -> None:
        """phase forward|backward: be where that phase begins"""
        self.show(self.stepped.phase(argument))

    def do_restart(self, argument: str) -> None:
        """restart: be at the start"""
        self.show(self.stepped.restart())

    # ---- stopping -------------------------------------------------------------------------------------------------------

    def do_break(self, argument: str) -> None:
        """break PLACE [if CONDITION]: stop at each event there; without a place, list what stops
        PLACE is a Value (w1, layer1.w1, v7), op:NAME, scope:NAME, FILE:LINE or LINE
        CONDITION is arithmetic over data, grad, local, upstream, contribution: abs(grad) > 1 and local < 0"""
        self.add_breakpoint(argument, temporary=False)

    def do_tbreak(self, argument: str) -> None:
        """tbreak PLACE [if CONDITION]: as break, but only once"""
        self.add_breakpoint(argument, temporary=True)

    def add_breakpoint(self, argument: str, temporary: bool) -> None:
        if not argument:
            self.list_stops()
            return
        where, condition = split_condition(argument)
        self.tell(self.stepped.add_breakpoint(where, condition, temporary))

    def do_catch(self, argument: str) -> None:
        """catch nan|inf|vanishing LIMIT|exploding LIMIT: stop at the event that makes one"""
        what, _, limit = argument.partition(" ")
        self.tell(self.stepped.add_catch(what, number_in(limit) if limit else None))

    def do_watch(self, argument: str) -> None:
        """watch NAME[.grad|.data] [if CONDITION]: stop at each event that changes it, and show it at every stop"""
        what, condition = split_condition(argument)
        stop = self.stepped.add_watch(what, condition)
        self.tell(stop)
        last = self.stepped.last_change(stop)
        if last is not None:
            phase, happened, of = self.stepped.history.phase(last)
            self.screen.tell(
                f"{printable(stop.what)} = {self.quantity(stop.what)}, last changed at {phase} {happened}/{of} (goto {last})"
            )

    def do_condition(self, argument: str) -> None:
        """condition NUMBER [CONDITION]: stop there only if that is true; without one, always. The last number is also ."""
        number, _, condition = argument.partition(" ")
        self.tell(self.stepped.set_condition(self.stop(number).number, condition.strip() or None))

    def do_ignore(self, argument: str) -> None:
        """ignore NUMBER COUNT: do not stop there the next COUNT times"""
        number, _, count = argument.partition(" ")
        stop = self.stop(number)
        stop.ignore = count_from_zero(count, "ignore takes a number and a count")
        self.tell(stop)

    def do_disable(self, argument: str) -> None:
        """disable [NUMBER ...]: do not stop there; without a number, nowhere"""
        self.enable(argument, False)

    def do_enable(self, argument: str) -> None:
        """enable [NUMBER ...]: stop there again; without a number, everywhere"""
        self.enable(argument, True)

    def enable(self, argument: str, enabled: bool) -> None:
        for stop in self.chosen(argument):
            stop.enabled = enabled
            self.tell(stop)

    def do_clear(self, argument: str) -> None:
        """clear [NUMBER ...|PLACE]: take breakpoints, catches and watches away; without a number, all of them"""
        named = [stop for stop in self.stepped.stops if argument and stop.what == argument]
        for stop in named or self.chosen(argument):
            self.stepped.remove(stop.number)
            self.screen.tell(f"cleared {stop.kind} {stop.number}: {printable(stop.what)}")

    def chosen(self, argument: str) -> list[Stop]:
        """Those of the numbers given, all of them known; without numbers all there are."""
        if not argument:
            return list(self.stepped.stops)
        return [self.stop(number) for number in argument.split()]

    def stop(self, number: str) -> Stop:
        """The one of this number; ``.`` is the last one that was set."""
        if number == "." and self.stepped.stops:
            return self.stepped.stops[-1]
        return self.stepped.stop(count_from_zero(number, "breakpoints, catches and watches have numbers"))

    def tell(self, stop: Stop) -> None:
        self.screen.tell(stop_in_words(stop))

    def list_stops(self) -> None:
        for stop in self.stepped.stops:
            self.tell(stop)
        if not self.stepped.stops:
            self.screen.tell("no breakpoint is set")

    # ---- looking --------------------------------------------------------------------------------------------------------

    def do_print(self, argument: str) -> None:
        """print NAME|EXPRESSION: a Value's data and gradient here in all digits, or arithmetic: w1.data - 0.1 * w1.grad"""
        if self.session is None:
            self.say_all(self.python_text(self.program.evaluate(argument)))
            return
        session, words = self.stepped, self.stepped.words
        argument = argument or words.name(self.focus())
        name, quantity = session.quantity(argument)
        places = words.behind(name) if session.is_value(argument, self.frame) else []
        if not places:
            thing = session.look(argument, self.frame)
            place = session.place(thing) if isinstance(thing, Value) else None
            if place is None:
                self.say_all(exact_text(thing) if isinstance(thing, OfMoment) else self.python_text(thing))
                return
            places, name = [place], argument.strip()
        for place in places[:MOST_ROWS]:
            if name == argument.strip():
                self.screen.tell(f"{words.name(place)}: {self.numbers_of(place, exact_text)}")
            else:
                number = session.number_of(place, quantity)
                self.screen.tell("not known yet" if number is None else exact_text(number))
        if len(places) > MOST_ROWS:
            self.screen.tell(f"… and {len(places) - MOST_ROWS:,} more")

    def numbers_of(self, place: int, written: Callable[[float], str] | None = None) -> str:
        """``data 0.8, grad −0.4142``, as known here."""
        return self.stepped.numbers_of(place, written)

    def do_pp(self, argument: str) -> None:
        """pp [NAME|EXPRESSION]: a Value, what it was computed from, and what uses it; or any object, on several lines"""
        if argument and self.frame is not None and (self.session is None or not self.session.words.behind(argument)):
            self.say_all(self.python_text(self.frame.evaluate(argument), pretty=True))
            return
        words, history = self.stepped.words, self.stepped.history
        for place in words.find(argument) if argument else [self.focus()]:
            node = history.nodes[place]
            self.screen.tell(words.title(place))
            self.screen.labelled("now", self.numbers_of(place))
            if history.scopes[place]:
                self.screen.labelled("scope", printable(history.scopes[place]))
            if node.source is not None:
                self.screen.labelled("line", place_of(node.source.file, node.source.line))
            given = zip(node.operands, node.partials, strict=True) if history.made_here(place) else ()
            for operand, local in itertools.islice(given, MOST_ROWS):
                self.screen.labelled("local", f"∂{words.name(place)}/∂{words.argument(operand)} = {words.number(local)}")
            users = [words.name(history.acting(number)) for number in history.additions(place)]
            self.screen.labelled("used", f"by {', '.join(users[:MOST_ROWS])}" if users else "by nothing")

    def do_display(self, argument: str) -> None:
        """display [EXPRESSION]: show it at every stop; without one, list what is shown"""
        if argument:
            with suppress(NotYet):
                self.stepped.look(argument, self.frame)
            if argument not in self.stepped.displays:
                self.stepped.displays.append(argument)
        for text in [argument] if argument else self.stepped.displays:
            self.screen.labelled("show", f"{printable(text)} = {self.value_or_error(text)}")

    def do_undisplay(self, argument: str) -> None:
        """undisplay [EXPRESSION]: do not show it any more; without one, nothing"""
        if argument and argument not in self.stepped.displays:
            shown = ", ".join(map(printable, self.stepped.displays)) or "nothing"
            raise DebuggerError(f"{argument!r} is not displayed; displayed is {shown}")
        self.stepped.displays = [text for text in self.stepped.displays if argument and text != argument]

    def do_where(self, argument: str) -> None:
        """where: the way from here to the loss, over the largest contributions; after an exception, its frames"""
        if self.trace:
            self.list_frames()
            return
        words, way = self.stepped.words, self.stepped.way_to_loss()
        rows = range(len(way)) if len(way) <= MOST_ROWS else [*range(MOST_ROWS - AROUND), *range(len(way) - AROUND, len(way))]
        before = -1
        for row in rows:
            if row != before + 1:
                self.screen.tell(f"     … {row - before - 1:,} more")
            mark = ">" if row == self.selected else " "
            self.screen.tell(f"{words.title(way[row])}: {self.numbers_of(way[row])}", f"{mark} {row:3} ")
            before = row

    def do_up(self, argument: str) -> None:
        """up [COUNT]: select the Value that uses this one, towards the loss; after an exception, the frame around this one"""
        if self.trace:
            self.select_frame(count_in(argument))
            return
        self.select(self.selected + count_in(argument))

    def do_down(self, argument: str) -> None:
        """down [COUNT]: select again what up came from"""
        if self.trace:
            self.select_frame(-count_in(argument))
            return
        self.select(self.selected - count_in(argument))

    def select(self, row: int) -> None:
        way = self.stepped.way_to_loss()
        if not 0 <= row < len(way):
            raise DebuggerError("this is the upper end" if row > 0 else "this is the Value that the last event was about")
        self.selected = row
        self.screen.tell(f"{self.stepped.words.title(way[row])}: {self.numbers_of(way[row])}", f"> {row} ")

    def focus(self) -> int:
        """The place of the Value that up and down have selected, at first that which the last event was about."""
        return self.stepped.way_to_loss()[self.selected]

    def do_list(self, argument: str) -> None:
        """list [events]: the source around this line; where none was recorded, or for events, the events around this one"""
        source = None if self.stepped.event is None else self.stepped.event.source
        lines = linecache.getlines(source.file) if source is not None and argument != "events" else []
        if source is None or not lines:
            self.list_events()
            return
        for number in range(max(source.line - AROUND, 1), min(source.line + AROUND, len(lines)) + 1):
            mark = "->" if number == source.line else "  "
            self.screen.say(f"{number:4} {mark} {printable(lines[number - 1].rstrip().expandtabs(4))}"[: self.screen.width()])

    def list_events(self) -> None:
        history, words, here = self.stepped.history, self.stepped.words, self.stepped.position
        for position in range(max(here - AROUND, 1), min(here + AROUND, len(history)) + 1):
            acting, changed = history.acting(position - 1), history.changed(position - 1)
            mark = "->" if position == here else "  "
            if position <= history.forward:
                text = words.title(acting)
            else:
                _, before, after = history.edge(position - 1)
                text = f"{words.name(changed)}.grad {words.number(before)} → {words.number(after)}, from {words.name(acting)}"
            phase, happened, of = history.phase(position)
            self.screen.tell(text, f"{position:5} {mark} {phase} {happened}/{of}   ")

    def do_why(self, argument: str) -> None:
        """why [NAME]: the gradient of a Value as the sum of what was added to it so far"""
        session, words, history = self.stepped, self.stepped.words, self.stepped.history
        for place in words.find(argument) if argument else [self.focus()]:
            name, additions = words.name(place), history.additions(place)
            happened = [number for number in additions if number < session.position]
            gradient = session.number_of(place, "grad")
            if gradient is None:
                self.screen.tell(f"{name}.grad is not known yet: none of {len(additions)} contributions has come")
                continue
            whence = (
                "" if additions else ", the seed" if history.nodes[place] is history.loss else ", from outside of the scope"
            )
            self.screen.tell(f"{name}.grad = {words.number(gradient)}{whence}")
            for number in happened[:MOST_ROWS]:
                local, upstream, acting = (
                    history.edge(number)[0],
                    history.upstream(history.acting(number)),
                    history.acting(number),
                )
                factors = f"{words.number(upstream)} × {words.number(local)} = {words.number(upstream * local)}"
                self.screen.labelled(
                    "+=", f"{factors}   from {words.name(acting)} = {words.operation(acting)} (goto {number + 1})"
                )
            if len(happened) > MOST_ROWS:
                self.screen.tell(f"         … and {len(happened) - MOST_ROWS:,} more")
            if history.scope is not None:
                self.screen.tell("         what comes from outside of the scope is in the sum, not in the list")
            if len(happened) < len(additions):
                self.screen.tell(
                    f"         {len(additions) - len(happened):,} of {len(additions):,} contributions are still to come"
                )

    def do_explain(self, argument: str) -> None:
        """explain [NAME]: the chain rule from the loss to a Value, over each of the paths between them"""
        place = self.stepped.words.find_one(argument) if argument else self.focus()
        self.say_all(str(explain(self.stepped.history.loss, self.stepped.history.nodes[place])))

    def do_blame(self, argument: str) -> None:
        """blame [gradients]: the first operation that made a nan or an inf, or the first edge that made such a gradient"""
        if argument not in ("", "gradients"):
            raise DebuggerError("there are blame and blame gradients")
        found = blame(self.stepped.history.loss, gradients=bool(argument))
        self.say_all(str(found))
        history = self.stepped.history
        if found.node is not None and found.node in history.nodes:
            place = history.place(found.node)
            at = place + 1 if found.operand is None else self.first_addition(place, history.place(found.operand))
            self.screen.tell(f"that is {self.stepped.words.name(place)} (goto {at})")
        sample = self.passes.culprit()
        if sample is not None:
            self.screen.tell(f"the first sample of this batch with such a loss is sample {sample}")

    def first_addition(self, acting: int, operand: int) -> int:
        """The position right after one Value first adds to the gradient of another a number that is not finite."""
        history = self.stepped.history
        numbers = [number for number in history.actions(acting) if history.changed(number) == operand]
        return next((n + 1 for n in numbers if not math.isfinite(history.edge(n)[2])), numbers[0] + 1)

    def say_all(self, text: str) -> None:
        """Several lines that somebody else has written."""
        for line in text.split("\n"):
            self.screen.tell(printable(line))

    def do_graph(self, argument: str) -> None:
        """graph [FILE]: draw the graph into a file (.svg, .png, .pdf, .dot; graph.svg by default)"""
        file = Path(argument or "graph.svg")
        draw(self.stepped.history.loss, file)
        self.screen.say(f"written: {file}")

    def do_info(self, argument: str) -> None:
        """info [breakpoints|values [PATTERN]|scopes|operations|display|graph]: what there is"""
        topic, _, rest = (argument or "graph").partition(" ")
        topics: dict[str, Callable[[str], None]] = {
            "breakpoints": lambda _: self.list_stops(), "values": self.info_values, "scopes": self.info_scopes,
            "operations": self.info_operations, "display": lambda _: self.do_display(""), "graph": self.info_graph,
        }  # fmt: skip
        found = [name for name in topics if name.startswith(topic)]
        if len(found) != 1:
            raise DebuggerError(f"there is no info about {topic!r}; there is info {', '.join(topics)}")
        topics[found[0]](rest.strip())

    def info_values(self, pattern: str) -> None:
        words, history = self.stepped.words, self.stepped.history
        names = [(place, words.name(place)) for place in range(len(history.nodes))]
        found = [(place, name) for place, name in names if not pattern or fnmatch.fnmatchcase(name, pattern)]
        if pattern:
            found.sort(key=lambda each: by_number(each[1]))
        for place, name in found[:MOST_ROWS]:
            self.screen.tell(f"{name:<12} {self.numbers_of(place)}")
        if len(found) > MOST_ROWS:
            self.screen.tell(f"… and {len(found) - MOST_ROWS:,} more: info values PATTERN, as in info values w*")
        if not found:
            raise DebuggerError(f"no Value is called {pattern!r}")

    def info_scopes(self, _: str) -> None:
        scopes = self.stepped.history.scopes
        for scope in sorted({*filter(None, scopes)}, key=by_number):
            inside = sum(scope_holds(scope, inner) for inner in scopes)
            self.screen.tell(f"{printable(scope)}   {inside:,} Values")
        if not any(scopes):
            self.screen.tell("no Value belongs to a scope: with ad.scope(...) gives them one")

    def info_operations(self, _: str) -> None:
        ops = [node.op for node in self.stepped.history.nodes if node.op]
        for op in sorted(set(ops), key=lambda op: (-ops.count(op), op)):
            self.screen.tell(f"{ops.count(op):6,} {op}")

    def info_graph(self, _: str) -> None:
        history = self.stepped.history
        leaves = sum(not node.op for node in history.nodes)
        edges = len(history) - history.forward
        where = f"position {self.stepped.position} of {len(history)}"
        self.screen.tell(f"{len(history.nodes):,} Values, {leaves:,} of them leaves; {edges:,} edges; {where}")

    def do_commands(self, argument: str) -> None:
        """commands [NUMBER]: the lines up to end are run whenever that one stops; silent among them shows nothing else"""
        self.collect(self.stop(argument or "."))

    # ---- the rest -------------------------------------------------------------------------------------------------------

    def do_save(self, argument: str) -> None:
        """save FILE: write the commands that set these breakpoints, watches and displays"""
        if not argument:
            raise DebuggerError("save takes a file")
        lines = self.stepped.commands()
        files.replace(Path(argument), "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
        self.screen.say(f"written: {printable(argument)}, {len(lines)} commands")

    def do_load(self, argument: str) -> None:
        """load FILE: run the commands in a file"""
        if not argument:
            raise DebuggerError("load takes a file")
        self.cmdqueue[:0] = map(Given, commands_in(Path(argument)))

    def do_set(self, argument: str) -> None:
        """set digits N|colour on|off|auto: how numbers are written, and whether in colour"""
        what, _, value = argument.partition(" ")
        if what == "digits" and value.isdecimal() and 1 <= int(value) <= 17:
            self.stepped.digits = self.stepped.words.digits = int(value)
        elif what in ("colour", "color") and value in ("on", "off", "auto"):
            self.screen.colour = "on" if value == "on" else "off" if value == "off" else "auto"
        else:
            raise DebuggerError("there are set digits 1 … 17 and set colour on|off|auto")

    def do_detach(self, argument: str) -> bool:
        """detach: let the program go on without another stop"""
        self.outcome = "detach"
        return True

    def do_quit(self, argument: str) -> bool:
        """quit: end here, and the program with it if the debugger runs it"""
        self.outcome = "quit"
        return True

    def do_EOF(self, argument: str) -> bool:
        """the end of the input is quit"""
        self.screen.tell("")
        return self.do_quit("")

    def do_help(self, arg: str) -> None:
        """help [COMMAND]: what there is, or what one does"""
        if arg:
            method = getattr(self, "do_" + full_name(arg).replace("-", "_"), None)
            if method is None:
                raise DebuggerError(f"there is no command {arg!r}; help lists them")
            for line in textwrap.dedent(f"        {method.__doc__}").splitlines():
                self.screen.tell(line)
            return
        short = {name: [alias for alias, full in ALIASES.items() if full == name] for name in command_names()}
        for group, names in GROUPS.items():
            listed = [name + (f" ({', '.join(short[name])})" if short[name] else "") for name in names.split()]
            self.screen.tell(", ".join(listed), f"{group:<10}")
        self.screen.tell("an empty line repeats the last command; help COMMAND says more")


# ---- reading commands -------------------------------------------------------------------------------------------------------


def command_names() -> list[str]:
    """Every command by its full name."""
    return [name for names in GROUPS.values() for name in names.split()]


def full_name(word: str) -> str:
    """The command that a word stands for: its name, an abbreviation, or the beginning of one name alone."""
    names = command_names()
    word = "print" if word == "p" else ALIASES.get(word, word)
    if word in names:
        return word
    found = [name for name in names if name.startswith(word)]
    if len(found) > 1:
        raise DebuggerError(f"{word!r} may be {', '.join(found)}")
    return found[0] if found else word


def split_condition(argument: str) -> tuple[str, str | None]:
    """A place and the condition after its last `` if ``."""
    where, found, condition = argument.rpartition(" if ")
    return (where.strip(), condition.strip()) if found else (argument.strip(), None)


def count_from_zero(text: str, what: str) -> int:
    if not text.strip().isdecimal():
        raise DebuggerError(f"{what}, a whole number, not {text!r}")
    return int(text)


def count_in(argument: str) -> int:
    count = count_from_zero(argument, "a count is expected") if argument else 1
    if not count:
        raise DebuggerError("a count is at least 1")
    return count


def number_in(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DebuggerError(f"{text!r} is no number") from None


def commands_in(file: Path) -> list[str]:
    """The commands in a file, without empty lines and comments."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def stop_in_words(stop: Stop) -> str:
    """``breakpoint 1: w1 if grad > 1, temporary``."""
    parts = [f"{stop.kind} {stop.number}: {printable(stop.what)}" + (f" if {stop.condition}" if stop.condition else "")]
    parts += ["temporary"] if stop.temporary else []
    parts += [] if stop.enabled else ["disabled"]
    parts += [f"ignored {stop.ignore} times more"] if stop.ignore else []
    parts += [f"hit {stop.hits} times"] if stop.hits else []
    return ", ".join(parts)


def _last_loss(frames: list[UsersFrame]) -> Value | None:
    """The last Value among the names of the innermost frame that has one which is no leaf."""
    for frame in reversed(frames):
        made = [thing for thing in frame.frame.f_locals.values() if isinstance(thing, Value) and thing.op]
        if made:
            return made[-1]
    return None


def own_commands() -> list[str]:
    """The commands in ``.adrc``, in the home and in the folder one is in, as pdb reads ``.pdbrc``."""
    files = dict.fromkeys(Path(folder).expanduser().resolve() / ".adrc" for folder in ("~", "."))
    return [line for file in files if file.is_file() for line in commands_in(file)]
