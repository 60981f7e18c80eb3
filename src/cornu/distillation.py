"""Distillation under the names of ``keras.distillation``, resolved when they are used.

A trained model, the teacher, trains a smaller one, the student: ``Distiller(teacher, student, LogitsDistillation())``.
"""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.models.distillation.distillation_loss import DistillationLoss as DistillationLoss
    from cornu.models.distillation.distillation_loss import FeatureDistillation as FeatureDistillation
    from cornu.models.distillation.distillation_loss import LogitsDistillation as LogitsDistillation
    from cornu.models.distillation.distiller import Distiller as Distiller

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
