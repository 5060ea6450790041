"""Files are written whole or not at all, keep their mode, and what is no file is refused; closed streams are nobody's error."""

import os
import stat
import sys
from pathlib import Path

import pytest

import autodiff as ad
from autodiff._support.files import replace


def test_the_mode_stays_and_links_are_followed(tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    replace(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.json", "target.json"]


def test_other_names_of_a_file_keep_what_it_held(tmp_path):
    (tmp_path / "model.json").write_text("old")
    os.link(tmp_path / "model.json", tmp_path / "backup.json")
    replace(tmp_path / "model.json", b"new")
    assert [(tmp_path / name).read_bytes() for name in ("model.json", "backup.json")] == [b"new", b"old"]


def test_a_link_to_nothing_makes_the_file_it_names(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "later")
    replace(tmp_path / "link", b"new")
    assert (tmp_path / "later").read_bytes() == b"new"


def test_what_is_no_file_is_refused_before_anything_happens(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    device = os.stat(os.devnull)
    for path, error in [(tmp_path / "pipe", "pipe"), (tmp_path, "folder"), (tmp_path / "no" / "file", "no folder")]:
        with pytest.raises(OSError, match=error):
            replace(path, b"new")
    with pytest.raises(OSError):  # noqa: PT011  the system's own words
        replace(tmp_path / "ring", b"new")
    with pytest.raises(OSError, match="device"):
        ad.nn.MLP(1, [1], seed=1).save(os.devnull)
    assert (os.stat(os.devnull).st_rdev, os.stat(os.devnull).st_ino) == (device.st_rdev, device.st_ino)
    assert sorted(os.listdir(tmp_path)) == ["pipe", "ring"]


def test_what_stands_for_a_pipe_is_refused_as_one(tmp_path):
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError, match="device or a pipe"):
            replace(Path(f"/dev/fd/{writing}"), b"new")
    finally:
        os.close(reading)
        os.close(writing)


def test_a_file_that_is_protected_from_writing_stays(tmp_path, monkeypatch):
    (tmp_path / "kept").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, how: how != os.W_OK)  # nothing is protected from root
    with pytest.raises(PermissionError, match="kept"):
        replace(tmp_path / "kept", b"new")
    assert (tmp_path / "kept").read_bytes() == b"old"


def test_the_longest_names_can_be_written(tmp_path):
    for name in ("a" * 255, "ü" * 127):
        replace(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_messages_cut_what_others_have_written():
    model = ad.nn.MLP(1, [1], seed=1)
    with pytest.raises(ad.StateError) as raised:
        model.load_state_dict({"k" * 100_000: 1.0})
    assert len(str(raised.value)) < 2_000


SCRIPT = """
import sys
import autodiff as ad
from autodiff import nn, optim
{before}
model = nn.MLP(1, [2, 1], seed=1)
nn.fit(model, [[0.0], [1.0]], [0.0, 1.0], optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=20)
loss = nn.mse([model([1.0])], [0.5])
ad.debug(loss)
open(sys.argv[1], "w").write("reached")
"""


@pytest.mark.parametrize("before", ["", "sys.stdin.close()", "sys.stdout.close()", "sys.stdin = sys.stdout = sys.stderr = None",
                                    "sys.stderr.close()"])  # fmt: skip
def test_streams_that_a_script_has_closed_are_nobodys_error(run_script, tmp_path, before):
    run_script(SCRIPT.format(before=before), str(tmp_path / "out"), LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (tmp_path / "out").read_text() == "reached"


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "<&- >&- 2>&-", "| cat >/dev/null"])
def test_commands_run_without_streams_and_in_ascii(tmp_path, redirection):
    script = tmp_path / "script.py"
    script.write_text("import autodiff as ad\nx = ad.Value(2.0, 'x')\n(x * x).backward()\n")
    command = f"'{sys.executable}' -m autodiff debug '{script}' {redirection}"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONPATH": os.getcwd()}
    import subprocess

    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, capture_output=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert b"Traceback" not in done.stderr + done.stdout
    assert done.returncode == 0, done.stderr
