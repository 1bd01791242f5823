from __future__ import annotations

import pytest
from support.scripts import run_script

from activitysmith_jupyter._roles import silence_reason

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


def test_main_process_of_a_plain_program_may_speak():
    """Nothing is silent without a reason."""
    assert silence_reason() == ""


@pytest.mark.parametrize("name", RANKS)
@pytest.mark.parametrize(
    ("rank", "silent"), [("0", False), ("1", True), ("17", True), ("", False), ("zero", False)]
)
def test_rank_above_zero_is_silent_and_says_which(monkeypatch, name, rank, silent):
    """Of a distributed run only rank 0 speaks; what is no rank counts as none."""
    monkeypatch.setenv(name, rank)
    assert silence_reason() == (f"{name}={rank}" if silent else "")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_of_a_pool_is_silent_however_it_was_started(tmp_path, method):
    """Workers of a pool or a DataLoader stay silent, their parent does not."""
    script = f"""
        import multiprocessing
        from activitysmith_jupyter._roles import silence_reason

        if __name__ == "__main__":
            with multiprocessing.get_context({method!r}).Pool(1) as pool:
                print(repr(pool.apply(silence_reason)), repr(silence_reason()))
    """
    answer = run_script(script, file=tmp_path / "program.py")
    worker, parent = answer.stdout.strip().rsplit(" ", 1)
    assert worker.strip("'") in {"a forked child process", "a worker process"}
    assert parent == "''"


def test_child_of_a_plain_fork_is_silent():
    """A fork without multiprocessing is one, too."""
    answer = run_script(
        """
        import os
        from activitysmith_jupyter._roles import silence_reason

        child = os.fork()
        if child == 0:
            print(silence_reason(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(repr(silence_reason()))
        """
    )
    assert answer.stdout.splitlines() == ["a forked child process", "''"]
