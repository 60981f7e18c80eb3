"""Reset of the state that a process accumulates while models are created."""

from cornu.backends import memory
from cornu.core.dtype_policy import set_dtype_policy
from cornu.core.naming import reset_names


def clear_session(free_memory: bool = True) -> None:
    """Reset the automatic names, so that the next ``Dense`` is named ``dense`` again, and the dtype policy; release memory.

    A model that is no longer referenced needs no call: Python frees it. The process retains its memory for the next model; this
    returns that memory to the system (see ``cornu.backends.memory``), but not what an engine retains on an accelerator.

    Args:
        free_memory: Whether to return memory to the system; the more the process holds, the longer this takes. Defaults to
            True.

    Example:
        >>> from cornu import layers, utils
        >>> utils.clear_session()
        >>> layers.Dense(3).name
        'dense'
    """
    reset_names()
    set_dtype_policy(None)
    if free_memory:
        memory.give_back()
