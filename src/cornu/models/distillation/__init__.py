"""Distillation: a small model, the student, is trained on the outputs of a large one, the teacher."""
