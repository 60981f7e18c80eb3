"""Executed by Python when it starts, in the processes that ``cornu run`` starts and in their child processes.

``cornu run`` puts the directory of this file, which contains nothing else, at the beginning of ``PYTHONPATH``.
"""

import importlib.util
import os
import sys

sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(__file__)]
if importlib.util.find_spec("cornu") is not None:  # a child process may be a Python without Cornu
    from cornu.legacy import import_hook

    import_hook.install()

this = sys.modules.pop("sitecustomize", sys.modules[__name__])
try:
    import sitecustomize  # noqa: F401  # the one of the environment, which this one hides
except ModuleNotFoundError as error:
    if error.name != "sitecustomize":
        raise
    sys.modules["sitecustomize"] = this
