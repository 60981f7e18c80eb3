"""Distillation: a small network learns from the answers of a large one, without labels.

A teacher with 200 times as many weights is trained on images of digits. Then a student is trained
twice: on 200 images with their labels, and with `cornu.distillation.Distiller` on all images, of
which it gets no label but the probabilities that the teacher assigns to the ten digits. These also
say more than a label: that a sloppy 3 looks a little like an 8.

Reference: Hinton et al., Distilling the Knowledge in a Neural Network, https://arxiv.org/abs/1503.02531
"""

import argparse

import cornu
from cornu import distillation, layers


def make_teacher() -> cornu.Model:
    """Return the large network; it returns logits, one for each digit."""
    return cornu.Sequential(
        [
            cornu.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPool2D(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ],
        name="teacher",
    )


def make_student() -> cornu.Model:
    """Return the small network."""
    stack = [layers.Conv2D(4, 3, strides=2, activation="relu"), layers.Flatten(), layers.Dense(10)]
    return cornu.Sequential([cornu.Input((8, 8, 1)), *stack], name="student")


def compiled(model: cornu.Model) -> cornu.Model:
    """Return a model, compiled."""
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=cornu.optimizers.Adam(3e-3), loss=loss, metrics=["accuracy"])
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small network on the answers of a large one.")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()

    (x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
    x_train, x_test = (images[..., None].astype("float32") / 16 for images in (x_train, x_test))
    epochs = options.epochs

    cornu.utils.set_random_seed(0)
    teacher = compiled(make_teacher())
    teacher.fit(x_train, y_train, epochs=max(epochs // 2, 1), verbose=0)

    cornu.utils.set_random_seed(1)
    alone = compiled(make_student())
    alone.fit(x_train[:200], y_train[:200], epochs=7 * epochs, verbose=0)  # as many steps as below

    cornu.utils.set_random_seed(1)
    student = make_student()
    loss = distillation.LogitsDistillation(temperature=4.0)
    distiller = distillation.Distiller(teacher, student, loss, student_loss_weight=0)
    distiller.compile(cornu.optimizers.Adam(3e-3), cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    distiller.fit(x_train, epochs=epochs, verbose=0)

    results = {
        "teacher": teacher,
        "student, labels of 200 images": alone,
        "student, the teacher's answers": compiled(student),
    }
    for name, model in results.items():
        accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
        print(f"{name:32} {model.count_params():6,} weights, accuracy {accuracy:.1%}")


if __name__ == "__main__":
    main()
