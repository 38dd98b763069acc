from __future__ import annotations

import subprocess
import sys

from loadtests.measuring import Spent, open_files, pss_kb, rest, spent, tree, workers

_ENDED = """
import subprocess, sys, threading, time
def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass
print("ready", flush=True); sys.stdin.readline()
thread = threading.Thread(target=burn, args=(0.3,)); thread.start(); thread.join()
subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.3: pass"])
print("done", flush=True); sys.stdin.readline()
"""


def test_threads_and_children_that_have_ended_are_counted() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        one.stdout.readline()
        before = spent(one.pid)
        print("", file=one.stdin, flush=True)
        assert one.stdout.readline() == "done\n"
        after = spent(one.pid)
        assert after.since(before) > 0.55
        assert tree(one.pid) == [one.pid]
        assert rest(one.pid)
        assert pss_kb(one.pid) > 1000
        assert open_files(one.pid) >= 3
        one.communicate("")


def test_a_share_of_the_tree_can_be_asked_for() -> None:
    before = Spent({(1, 1): 1.0, (2, 2): 5.0}, {1: 1.0, 2: 5.0})
    after = Spent({(1, 1): 2.0, (2, 2): 9.0, (2, 3): 0.5}, {1: 2.0, 2: 9.5})
    assert after.since(before) == 5.5
    assert after.since(before, [2]) == 4.5
    assert after.since(before, [1]) == 1.0


def test_where_ticks_say_more_than_living_threads_they_stand() -> None:
    before, after = Spent({(1, 1): 1.0}, {1: 1.0}), Spent({(1, 1): 1.5}, {1: 3.0})
    assert after.since(before) == 2.0


def test_front_workers_are_told_by_the_names_of_their_processes() -> None:
    wait = "import sys; open('/proc/self/comm', 'w').write(sys.argv[1]); print(flush=True); sys.stdin.read()"
    start = (
        "import subprocess, sys\n"
        "def begin(name): return subprocess.Popen([sys.executable, '-c', "
        f"{wait!r}, name], stdout=subprocess.PIPE)\n"
        "children = [begin(name) for name in ('licet worker', 'licet office', 'worker')]\n"
        "for child in children: child.stdout.readline()\n"
        "print(children[0].pid, flush=True)\n"
        "for child in children: child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        worker = int(one.stdout.readline())
        assert len(tree(one.pid)) == 4
        assert workers(one.pid) == [worker]
        assert workers(worker) == []
        one.communicate("")
