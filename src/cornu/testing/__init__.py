"""Utilities to test custom layers."""

from cornu.testing.harness import ContractError
from cornu.testing.layer_checks import CLAUSES, check_layer

__all__ = ["CLAUSES", "ContractError", "check_layer"]
