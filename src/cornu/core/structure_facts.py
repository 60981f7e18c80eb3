"""What a training step asks of the structure of a model, which is traversed again only after it has changed."""

from typing import NamedTuple

from cornu import registry
from cornu.core import batch_coupling, layer_tree
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.core.seed_generator import SeedGenerator
from cornu.core.structure_fingerprint import StructureFingerprint
from cornu.core.variable import Variable

_TRAVERSED = ("trainable", "trainable_variables", "non_trainable_variables", "variables")
"""Properties of layers that find the variables. One that a subclass overrides may have another value at any time."""


class StructureFacts(NamedTuple):
    """What is known about a layer and all layers inside it.

    Attributes:
        variables: All variables.
        trainable: The variables that training may change.
        non_trainable: The other variables.
        metrics: The metrics among the attributes.
        seeded_generators: The seed generators with an explicit seed.
        batch_coupling: How the samples of a batch affect each other (see ``batch_coupling.effective_coupling``).
    """

    variables: list[Variable]
    trainable: list[Variable]
    non_trainable: list[Variable]
    metrics: list
    seeded_generators: list[SeedGenerator]
    batch_coupling: str


def structure_facts(layer: LayerLike) -> StructureFacts:
    """Return the facts about a layer: those of the last call if no layer or variable has changed since then.

    Example:
        >>> import cornu
        >>> from cornu.core.structure_facts import structure_facts
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> len(structure_facts(model).trainable)
        2
        >>> model.layers[0].kernel.trainable = False
        >>> len(structure_facts(model).trainable)
        1
    """
    known = known_facts(layer)
    if known is not None:
        return known
    facts = StructureFacts(
        layer.variables,
        layer.trainable_variables,
        layer.non_trainable_variables,
        layer_tree.metrics(layer),
        [each for each in layer_tree.seed_generators(layer) if each.seed is not None],
        batch_coupling.effective_coupling(layer),
    )
    record_of(layer).facts = (StructureFingerprint(layer), facts) if _is_predictable(layer) else None
    return facts


def known_facts(layer: LayerLike) -> StructureFacts | None:
    """Return the facts about a layer if they were determined before and nothing has changed since then, otherwise None."""
    fingerprint, known = record_of(layer).facts or (None, None)
    return known if fingerprint is not None and fingerprint.holds() else None


def _is_predictable(layer: LayerLike) -> bool:
    """Return whether no layer of the user overrides how variables are found."""
    kinds = {kind for inner in layer_tree.flatten(layer) for kind in type(inner).__mro__}
    return not any(name in vars(kind) for kind in kinds if not registry.is_builtin(kind) for name in _TRAVERSED)
