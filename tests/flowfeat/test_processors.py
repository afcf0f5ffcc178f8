import os
import subprocess
import sys

import pytest

from flowfeat.processors import processors


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process can be bound to processors here")
def test_a_process_counts_the_processors_it_may_use():
    bind = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    count = "from flowfeat.processors import processors; print(processors())"
    done = subprocess.run([sys.executable, "-c", f"{bind}; {count}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_where_a_process_cannot_be_bound_it_may_use_all(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert processors() == 7
