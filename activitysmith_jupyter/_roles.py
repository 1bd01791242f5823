"""Who may speak: the process that the user started, and of a distributed run only rank 0."""

from __future__ import annotations

import os
import sys
from typing import Final

__all__ = ["silence_reason"]

# Set by torchrun, SLURM, Open MPI and MPICH/Intel MPI for each of their processes.
_RANKS: Final = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")

# A fork copies this module with the number of the process that imported it.
_imported_in: Final = os.getpid()


def silence_reason() -> str:
    """Return why this process sends nothing; empty where it may speak.

    Workers of a pool or a DataLoader (forked or spawned), joblib's workers, and ranks above 0
    stay silent: one run is one card.
    """
    if os.getpid() != _imported_in:
        return "a forked child process"
    # Only a program that uses multiprocessing can be one of its children.
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and (
        multiprocessing.parent_process() is not None
        or multiprocessing.current_process().name != "MainProcess"
    ):
        return "a worker process"
    for name in _RANKS:
        rank = os.environ.get(name, "")
        if rank.isdigit() and int(rank) > 0:
            return f"{name}={rank}"
    return ""
